import FanfareTestKit
import Foundation

/// An MQTT client on a WebSocket, written for tests: packets as bytes, in and out.
struct MQTTClient: Sendable {
    let socket: WebSocketClient
    /// 4: 3.1.1, 5: 5.
    let level: UInt8

    /// Connects, and says CONNECT.
    ///
    /// - Parameter token: the password.
    static func connect(
        _ port: Int, level: UInt8 = 5, keepAlive: UInt16 = 0, properties: [UInt8] = [], token: String? = nil,
        id: String = "", receiveBuffer: Int? = nil
    ) async throws -> MQTTClient {
        let client = MQTTClient(
            socket: try await WebSocketClient.connect(
                port, "/mqtt", headers: ["Sec-WebSocket-Protocol": "other, mqtt"], receiveBuffer: receiveBuffer),
            level: level)
        let flags: UInt8 = token == nil ? 0x02 : 0xC2
        let head = text("MQTT") + [level, flags, UInt8(keepAlive >> 8), UInt8(keepAlive & 0xFF)]
        try await client.send(
            packet(
                0x10,
                head + client.own(properties) + text(id) + (token.map { text("") + text($0) } ?? [])))
        let answer = try await client.next()
        guard answer.prefix(1) == [0x20], answer.count > 3, answer[3] == 0 else {
            throw NotInTime(what: "CONNACK; got \(answer)")
        }
        return client
    }

    static func text(_ text: String) -> [UInt8] {
        [UInt8(text.utf8.count >> 8), UInt8(text.utf8.count & 0xFF)] + text.utf8
    }

    static func packet(_ first: UInt8, _ body: [UInt8]) -> [UInt8] {
        var (rest, length) = (body.count, [UInt8]())
        repeat {
            length.append(UInt8(rest % 128) | (rest >= 128 ? 0x80 : 0))
            rest /= 128
        } while rest > 0
        return [first] + length + body
    }

    /// Properties behind their length, at most 127 bytes; nothing in 3.1.1.
    func own(_ properties: [UInt8] = []) -> [UInt8] { level == 5 ? [UInt8(properties.count)] + properties : [] }

    func send(_ bytes: [UInt8]) async throws { try await socket.send(bytes) }

    func subscribe(_ topic: String, options: UInt8 = 0, properties: [UInt8] = []) async throws {
        try await send(Self.packet(0x82, [0, 1] + own(properties) + Self.text(topic) + [options]))
        let answer = try await next()
        guard answer.first == 0x90, answer.last == 0 else { throw NotInTime(what: "SUBACK; got \(answer)") }
    }

    func publication(
        _ topic: String, _ payload: String, flags: UInt8 = 0, id: UInt8? = nil, properties: [UInt8] = []
    ) -> [UInt8] {
        Self.packet(
            0x30 | flags, Self.text(topic) + (id.map { [0, $0] } ?? []) + own(properties) + Array(payload.utf8))
    }

    /// The next message. A close frame is its code in two bytes, the end is nothing.
    func next() async throws -> [UInt8] {
        while let message = try await socket.next() {
            switch message {
            case .binary(let bytes): return bytes
            case .text(let text): throw NotInTime(what: "a binary message; got '\(text)'")
            case .close(let code, _): return [UInt8((code ?? 0) >> 8), UInt8((code ?? 0) & 0xFF)]
            case .ping, .pong: continue
            }
        }
        return []
    }

    func close() async { await socket.close() }
}
