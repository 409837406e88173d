import FanfareWire
import NIOCore

/// What is wrong with a document, or with one field of an answer (spec section 7.1.2).
public struct GraphQLError: Error, Sendable, Equatable {
    /// Where in a document, both from 1 (section 7.1.2).
    public struct Location: Sendable, Equatable {
        public let line: Int
        /// In characters of Unicode.
        public let column: Int
    }

    /// What kind it is, for programs: `extensions.code`.
    public enum Code: String, Sendable {
        /// The document is no GraphQL.
        case syntax = "GRAPHQL_PARSE_FAILED"
        /// The document does not fit the schema.
        case validation = "GRAPHQL_VALIDATION_FAILED"
        /// Variables, or the name of the operation, don't fit the document.
        case badUserInput = "BAD_USER_INPUT"
        /// The document would be more work than one may be.
        case tooComplex = "TOO_COMPLEX"
        /// The client may not do that.
        case forbidden = "FORBIDDEN"
        /// There is no such channel, or it has nothing of what is asked for.
        case notAvailable = "NOT_AVAILABLE"
        /// What followed a position is lost.
        case insufficientState = "INSUFFICIENT_STATE"
        /// A token that is not to be believed.
        case unauthenticated = "UNAUTHENTICATED"
        /// Later it may work.
        case tryAgainLater = "TRY_AGAIN_LATER"
    }

    public let message: String
    public let code: Code
    public let location: Location?
    /// The response key of the field whose value is missing; `nil`: nothing was executed. Only fields at the top can fail.
    public var path: ExactText?

    init(_ message: String, _ code: Code, at location: Location? = nil, path: ExactText? = nil) {
        self.message = message
        self.code = code
        self.location = location
        self.path = path
    }

    /// Writes it as an answer has it.
    func write(into buffer: inout ByteBuffer) {
        buffer.writeStaticString(#"{"message":"#)
        JSONWriter.writeString(message, into: &buffer)
        if let location {
            buffer.writeString(#","locations":[{"line":\#(location.line),"column":\#(location.column)}]"#)
        }
        if let path {
            buffer.writeStaticString(#","path":["#)
            JSONWriter.writeString(path.string, into: &buffer)
            buffer.writeStaticString("]")
        }
        buffer.writeString(#","extensions":{"code":"\#(code.rawValue)"}}"#)
    }

    /// Text out of a document as a message shows it.
    static func quoted(_ text: ExactText) -> String { quoted(Array(text.utf8)[...]) }

    static func quoted(_ bytes: ArraySlice<UInt8>) -> String {
        let isCut = bytes.count > GraphQLBounds.quotedBytes
        return String(decoding: bytes.prefix(GraphQLBounds.quotedBytes), as: UTF8.self) + (isCut ? "…" : "")
    }
}

extension [GraphQLError] {
    /// Writes all of them as a JSON array.
    func write(into buffer: inout ByteBuffer) {
        buffer.writeStaticString("[")
        for (index, error) in enumerated() {
            if index > 0 { buffer.writeStaticString(",") }
            error.write(into: &buffer)
        }
        buffer.writeStaticString("]")
    }
}
