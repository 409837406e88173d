import FanfareTestKit
import Foundation

/// A GraphQL client on a WebSocket, written for tests.
struct GraphQLClient: Sendable {
    let socket: WebSocketClient

    /// Connects, and is acknowledged.
    static func connect(
        _ port: Int, subprotocol: String = "graphql-transport-ws", payload: String = "{}"
    ) async throws -> GraphQLClient {
        let client = try await open(port, subprotocol: subprotocol)
        try await client.send(#"{"type":"connection_init","payload":\#(payload)}"#)
        let answer = try await client.next()
        guard answer == #"{"type":"connection_ack"}"# else { throw NotInTime(what: "connection_ack; got \(answer)") }
        return client
    }

    /// Connects, and says nothing.
    static func open(_ port: Int, subprotocol: String? = "graphql-transport-ws") async throws -> GraphQLClient {
        GraphQLClient(
            socket: try await WebSocketClient.connect(
                port, "/graphql", headers: subprotocol.map { ["Sec-WebSocket-Protocol": $0] } ?? [:]))
    }

    func send(_ text: String) async throws { try await socket.send(text) }

    /// Begins an operation.
    func start(_ id: String, _ query: String, type: String = "subscribe") async throws {
        let payload = try JSONSerialization.data(withJSONObject: ["query": query])
        try await send(#"{"id":"\#(id)","type":"\#(type)","payload":\#(String(decoding: payload, as: UTF8.self))}"#)
    }

    /// The next message; a close frame is `close` and its code.
    func next() async throws -> String {
        while let message = try await socket.next() {
            switch message {
            case .text(let text): return text
            case .binary: return "binary"
            case .close(let code, _): return "close \(code ?? 0)"
            case .ping, .pong: continue
            }
        }
        return "end"
    }

    func close() async { await socket.close() }
}
