import FanfareWire
import NIOCore

@testable import FanfareProtocols

/// Packets as a client writes them, byte by byte: nothing of the node's own writer is in it.
enum MQTTBytes {
    static func text(_ text: String) -> [UInt8] { data(Array(text.utf8)) }

    static func data(_ bytes: [UInt8]) -> [UInt8] { [UInt8(bytes.count >> 8), UInt8(bytes.count & 0xFF)] + bytes }

    static func length(_ count: Int) -> [UInt8] {
        var (rest, bytes) = (count, [UInt8]())
        repeat {
            bytes.append(UInt8(rest % 128) | (rest >= 128 ? 0x80 : 0))
            rest /= 128
        } while rest > 0
        return bytes
    }

    static func packet(_ first: UInt8, _ body: [UInt8]) -> [UInt8] { [first] + length(body.count) + body }

    static func connect(
        _ version: MQTTVersion = .v5, flags: UInt8 = 0x02, keepAlive: UInt16 = 0, properties: [UInt8] = [],
        id: String = "c", _ rest: [UInt8] = []
    ) -> [UInt8] {
        let head = text("MQTT") + [version.rawValue, flags, UInt8(keepAlive >> 8), UInt8(keepAlive & 0xFF)]
        return packet(0x10, head + (version == .v5 ? data5(properties) : []) + text(id) + rest)
    }

    /// Properties behind their length.
    static func data5(_ properties: [UInt8]) -> [UInt8] { length(properties.count) + properties }

    static func publish(
        _ topic: String, _ payload: String = "", flags: UInt8 = 0, id: UInt16? = nil, properties: [UInt8]? = []
    ) -> [UInt8] {
        let number = id.map { [UInt8($0 >> 8), UInt8($0 & 0xFF)] } ?? []
        return packet(0x30 | flags, text(topic) + number + (properties.map(data5) ?? []) + Array(payload.utf8))
    }

    static func subscribe(
        _ filters: [(String, UInt8)], id: UInt16 = 1, properties: [UInt8]? = []
    ) -> [UInt8] {
        packet(
            0x82,
            [UInt8(id >> 8), UInt8(id & 0xFF)] + (properties.map(data5) ?? [])
                + filters.flatMap { text($0.0) + [$0.1] })
    }

    static func unsubscribe(_ filters: [String], id: UInt16 = 1, properties: [UInt8]? = []) -> [UInt8] {
        packet(
            0xA2, [UInt8(id >> 8), UInt8(id & 0xFF)] + (properties.map(data5) ?? []) + filters.flatMap(text))
    }

    /// All packets of these bytes, sent in pieces of `size`; then why no more can be read.
    static func read(
        _ bytes: [UInt8], connected version: MQTTVersion? = .v5, size: Int = .max, limit: Int = 100_000
    ) -> (packets: [MQTTPacket], error: MQTTError?) {
        var reader = MQTTReader(maxPacketBytes: limit)
        if let version {
            reader.feed(ByteBuffer(bytes: connect(version)))
            _ = try? reader.next()
        }
        var (rest, packets) = (ByteBuffer(bytes: bytes), [MQTTPacket]())
        do throws(MQTTError) {
            while let piece = rest.readSlice(length: min(size, rest.readableBytes)), piece.readableBytes > 0 {
                reader.feed(piece)
                while let packet = try reader.next() { packets.append(packet) }
            }
        } catch {
            return (packets, error)
        }
        return (packets, nil)
    }

    /// Why it is refused; `nil`: it is not.
    static func reason(_ bytes: [UInt8], connected version: MQTTVersion? = .v5) -> MQTTReason? {
        read(bytes, connected: version).error?.reason
    }
}
