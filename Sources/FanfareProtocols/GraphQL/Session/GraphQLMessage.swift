import FanfareWire
import NIOCore

/// Which subprotocol a WebSocket speaks. The names mislead: the older protocol is the one that is called as the library of the newer.
public enum GraphQLSubprotocol: String, CaseIterable, Sendable {
    /// The newer one (enisdenjo/graphql-ws, PROTOCOL.md).
    case transport = "graphql-transport-ws"
    /// The older one (apollographql/subscriptions-transport-ws, PROTOCOL.md), of clients that are not maintained any more.
    case legacy = "graphql-ws"
}

/// What a client says.
public enum GraphQLMessage: Sendable, Equatable {
    /// `connection_init`; the token of its payload.
    case connect(token: String?)
    /// `ping`; its payload goes back.
    case ping(ByteBuffer?)
    case pong
    /// `subscribe`, `start`.
    case start(id: ExactText, GraphQLRequest)
    /// `complete`, `stop`.
    case stop(id: ExactText)
    /// `connection_terminate`.
    case terminate
    /// None, for this reason; the operation that it was about, as far as it could be read.
    case unknown(Problem)

    /// Why a message is none.
    public struct Problem: Error, Equatable, Sendable {
        let reason: String
        var id: ExactText?
    }

    /// Reads a message.
    init(_ message: Payload, _ words: GraphQLWords) throws(Problem) {
        guard message.kind == .text else { throw Problem(reason: "a message is text") }
        guard let members = JSONMembers(message.bytes), let type = members["type"]?.text else {
            throw Problem(reason: "a message is a JSON object with a type")
        }
        let id = members["id"].flatMap(\.text)
        switch (type, words) {
        case ("connection_init", _): self = .connect(token: try Self.token(members["payload"]))
        case ("ping", .transport):
            let payload = try Self.object(members["payload"])
            self = .ping(payload?.bytes)
        case ("pong", .transport):
            _ = try Self.object(members["payload"])
            self = .pong
        case ("subscribe", .transport), ("start", .legacy):
            let id = try Self.id(members)
            guard let payload = try Self.object(members["payload"], id).flatMap({ JSONMembers($0.bytes) }),
                let request = GraphQLRequest(payload)
            else {
                throw Problem(reason: "\(type) has a payload with a query, and operationName and variables", id: id)
            }
            self = .start(id: id, request)
        case ("complete", .transport), ("stop", .legacy): self = .stop(id: try Self.id(members))
        case ("connection_terminate", .legacy): self = .terminate
        default: throw Problem(reason: "there is no message of type '\(GraphQLError.quoted(type))'", id: id)
        }
    }

    private static func id(_ members: JSONMembers) throws(Problem) -> ExactText {
        guard let id = members["id"]?.text, !id.isEmpty else { throw Problem(reason: "a message needs an id") }
        // It is in the lead of each of its messages, which has 255 bytes at most (D96).
        guard id.utf8.count <= GraphQLBounds.idBytes, id.utf8.allSatisfy({ $0 >= 0x20 }) else {
            throw Problem(reason: "an id has at most \(GraphQLBounds.idBytes) bytes, none of them a control character")
        }
        return id
    }

    private static func object(
        _ value: JSONMembers.Value?, _ id: ExactText? = nil
    ) throws(Problem) -> JSONMembers.Value? {
        guard let value, !value.isNull else { return nil }
        guard value.bytes.readableBytesView.first == UInt8(ascii: "{") else {
            throw Problem(reason: "a payload is an object", id: id)
        }
        return value
    }

    /// `token`, or a bearer token as clients that were made for HTTP have it: `Authorization`, by itself or under `headers`.
    private static func token(_ payload: JSONMembers.Value?) throws(Problem) -> String? {
        guard let payload = try object(payload), let members = JSONMembers(payload.bytes) else { return nil }
        if let token = members["token"]?.string, !token.isEmpty { return token }
        let headers = members["headers"].flatMap { JSONMembers($0.bytes) }
        for source in [members, headers].compactMap(\.self) {
            guard let field = (source["Authorization"] ?? source["authorization"])?.string else { continue }
            let parts = field.split(separator: " ", maxSplits: 1)
            if parts.count == 2, parts[0].isToken("Bearer") { return String(parts[1]) }
        }
        return nil
    }
}
