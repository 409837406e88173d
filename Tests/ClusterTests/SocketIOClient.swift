import FanfareTestKit
import Foundation

/// A client of Socket.IO on a WebSocket, thin enough to see every packet.
final class SocketIOClient: Sendable {
    let socket: WebSocketClient

    private init(_ socket: WebSocketClient) { self.socket = socket }

    /// Opens a connection; no namespace is joined.
    static func open(_ port: Int, headers: [String: String] = [:]) async throws -> SocketIOClient {
        let socket = try await WebSocketClient.connect(
            port, "/socket.io/?EIO=4&transport=websocket", headers: headers)
        let client = SocketIOClient(socket)
        let open = try await client.next()
        guard open.hasPrefix("0{\"sid\":") else { throw NotInTime(what: "an open packet; got \(open)") }
        return client
    }

    /// Opens a connection and joins a namespace.
    ///
    /// - Parameter handshake: a CONNECT.
    /// - Returns: the client, and its answer.
    static func join(_ port: Int, _ handshake: String = "0") async throws -> (SocketIOClient, String) {
        let client = try await open(port)
        return (client, try await client.ask(handshake))
    }

    /// Sends a packet of Socket.IO, and returns the next that comes.
    func ask(_ packet: String) async throws -> String {
        try await send(packet)
        return try await packet.isEmpty ? "" : self.packet()
    }

    func send(_ packet: String) async throws { try await socket.send("4" + packet) }

    func send(_ bytes: [UInt8]) async throws { try await socket.send(bytes) }

    /// The next packet of Socket.IO.
    func packet() async throws -> String {
        let packet = try await next()
        guard packet.hasPrefix("4") else { throw NotInTime(what: "a message; got \(packet)") }
        return String(packet.dropFirst())
    }

    /// So many of them.
    func packets(_ count: Int) async throws -> [String] {
        var packets: [String] = []
        for _ in 0..<count { packets.append(try await packet()) }
        return packets
    }

    /// The next text, pings answered; an attachment as `+` and its hexadecimal digits; `end` where the connection ends.
    func next() async throws -> String {
        while let message = try await socket.next() {
            switch message {
            case .text("2"): try await socket.send("3")
            case .text(let text): return text
            case .binary(let bytes): return "+" + bytes.map { String($0, radix: 16) }.joined(separator: " ")
            case .close: return "end"
            case .ping, .pong: continue
            }
        }
        return "end"
    }

    func close() async { await socket.close() }
}

extension String {
    /// A member of the JSON in a packet, where that is a string.
    func member(_ name: String) -> String? {
        guard let start = range(of: "\"\(name)\":\"") else { return nil }
        return String(self[start.upperBound...].prefix { $0 != "\"" })
    }
}
