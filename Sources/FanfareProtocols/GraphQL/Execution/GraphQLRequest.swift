import FanfareWire
import NIOCore

/// What a client asks for: a document, which of its operations, and values for its variables (spec section 6.1).
public struct GraphQLRequest: Sendable, Equatable {
    let query: String
    var operationName: ExactText?
    /// A JSON object; `nil`: none.
    var variables: JSONMembers.Value?

    init(query: String, operationName: ExactText? = nil, variables: JSONMembers.Value? = nil) {
        self.query = query
        self.operationName = operationName
        self.variables = variables
    }

    /// Reads the payload of a message, or the body of a request; `nil`: it has another shape.
    public init?(_ payload: JSONMembers) {
        guard let query = payload["query"]?.string else { return nil }
        self.query = query
        if let name = payload["operationName"], !name.isNull {
            guard let text = name.text else { return nil }
            operationName = text
        }
        for key in ["variables", "extensions"] as [ExactText] {
            guard let value = payload[key], !value.isNull else { continue }
            guard value.bytes.readableBytesView.first == UInt8(ascii: "{") else { return nil }
            if key == "variables" { variables = value }
        }
    }
}

/// Why nothing is executed: what is wrong with a document, all of it that is known.
struct GraphQLFailure: Error, Equatable {
    let errors: [GraphQLError]

    init(_ errors: [GraphQLError]) { self.errors = errors }
    init(_ error: GraphQLError) { errors = [error] }

    /// The answer (section 7.1): without `data`.
    var answer: ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeStaticString(#"{"errors":"#)
        errors.write(into: &buffer)
        buffer.writeStaticString("}")
        return buffer
    }
}
