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

    func subscribe(
        _ topic: String, options: UInt8 = 0, properties: [UInt8] = [], granted: UInt8 = 0
    ) async throws {
        try await send(Self.packet(0x82, [0, 1] + own(properties) + Self.text(topic) + [options]))
        let answer = try await next()
        guard answer.first == 0x90, answer.last == granted else { throw NotInTime(what: "SUBACK; got \(answer)") }
    }

    func publication(
        _ topic: String, _ payload: String, flags: UInt8 = 0, id: UInt8? = nil, properties: [UInt8] = []
    ) -> [UInt8] {
        Self.packet(
            0x30 | flags, Self.text(topic) + (id.map { [0, $0] } ?? []) + own(properties) + Array(payload.utf8))
    }

    /// A PUBLISH of the node without properties.
    struct Delivery: Equatable {
        let qos: UInt8
        /// 0 with QoS 0.
        let id: UInt16
        let payload: String
        var isRetained = false
    }

    /// The next message, which is a PUBLISH in at most 127 bytes.
    func delivery() async throws -> Delivery { try delivery(try await next()) }

    /// Takes such a message apart.
    func delivery(_ packet: [UInt8]) throws -> Delivery {
        guard packet.count > 4, packet[0] >> 4 == 3 else { throw NotInTime(what: "PUBLISH; got \(packet)") }
        let qos = packet[0] >> 1 & 3
        var rest = packet.dropFirst(4 + Int(packet[3]))
        var id: UInt16 = 0
        if qos > 0 { for _ in 0..<2 { id = id << 8 | UInt16(rest.popFirst() ?? 0) } }
        if level == 5 { rest = rest.dropFirst(1 + Int(rest.first ?? 0)) }
        return Delivery(
            qos: qos, id: id, payload: String(decoding: rest, as: UTF8.self), isRetained: packet[0] & 1 == 1)
    }

    /// PUBACK, PUBREC, PUBREL or PUBCOMP.
    static func acknowledgement(_ type: UInt8, _ id: UInt16) -> [UInt8] {
        [type << 4 | (type == 6 ? 2 : 0), 2, UInt8(id >> 8), UInt8(id & 0xFF)]
    }

    /// Says all that is to be said about a delivery. The node's PUBREL comes among what follows.
    func acknowledge(_ delivery: Delivery) async throws {
        switch delivery.qos {
        case 0: break
        case 1: try await send(Self.acknowledgement(4, delivery.id))
        default: try await send(Self.acknowledgement(5, delivery.id) + Self.acknowledgement(7, delivery.id))
        }
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
