import FanfareWire

/// How what a client hears is said.
public enum GraphQLWords: Sendable, Equatable {
    /// On a WebSocket, in ``GraphQLSubprotocol/transport``.
    case transport
    /// On a WebSocket, in ``GraphQLSubprotocol/legacy``.
    case legacy
    /// One operation of a request, as an event stream (enisdenjo/graphql-sse, PROTOCOL.md, "distinct connections mode").
    case events(StreamDelimiting)
    /// One operation of a request, which has one answer (GraphQL over HTTP, section 6.4).
    case answer

    /// Whether the client goes with the end of its operation.
    var isOneOperation: Bool {
        switch self {
        case .transport, .legacy: false
        case .events, .answer: true
        }
    }

    /// What publications stand in.
    var carrier: GraphQLCarrier {
        if case .events(let delimiting) = self { .events(delimiting) } else { .webSocket }
    }
}

extension GraphQLError {
    /// What is heard for as long as it takes is no answer.
    static let needsEvents = GraphQLError("a subscription needs Accept: text/event-stream", .badUserInput)
}

extension GraphQLSubprotocol {
    public var words: GraphQLWords {
        switch self {
        case .transport: .transport
        case .legacy: .legacy
        }
    }
}
