import FanfareWire
import NIOCore

/// Bytes to packets, cut anywhere: a WebSocket message may hold a part of a packet, or several (§6).
///
/// Incremental: what waits is at most a packet and what the last message brought; a length that a client only claims reserves nothing, and
/// one above the limit is refused before its bytes come. Flags and kinds are looked at with the first byte. After a mistake nothing is
/// read.
public struct MQTTReader: Sendable {
    private enum State: Sendable {
        /// Between packets.
        case between
        /// A packet of this kind and length is on its way.
        case body(MQTTPacketType, first: UInt8, length: Int)
        case failed(MQTTError)
    }

    private var state = State.between
    private var bytes = ByteBuffer()
    private let maxPacketBytes: Int
    private var decoder = MQTTDecoder()
    /// Whether bytes came that were not looked at.
    public private(set) var hasNew = false

    /// - Parameter maxPacketBytes: of a whole packet, as MQTT 5 counts it (§3.1.2.11.4).
    public init(maxPacketBytes: Int) { self.maxPacketBytes = maxPacketBytes }

    /// What CONNECT said; `nil`: that is to come.
    public var version: MQTTVersion? { decoder.version }

    /// Whether a packet has begun and not ended.
    public var isWithinPacket: Bool {
        switch state {
        case .between: !hasNew && bytes.readableBytes > 0
        case .body: true
        case .failed: false
        }
    }

    /// Bytes that wait.
    public var waitingBytes: Int { bytes.readableBytes }

    /// Takes what a message brought.
    public mutating func feed(_ more: ByteBuffer) {
        if case .failed = state { return }
        hasNew = true
        if bytes.readableBytes == 0 {
            bytes = more
        } else {
            bytes.discardReadBytes()
            bytes.writeImmutableBuffer(more)
        }
    }

    /// The next whole packet; `nil`: more must come.
    mutating func next() throws(MQTTError) -> MQTTPacket? {
        do throws(MQTTError) {
            if case .between = state { try takeHeader() }
            guard case .body(let type, let first, let length) = state, bytes.readableBytes >= length else {
                if case .failed(let error) = state { throw error }
                hasNew = false
                keepLittle()
                return nil
            }
            state = .between
            return try decoder.packet(type, first, body(length))
        } catch {
            (state, bytes, hasNew) = (.failed(error), ByteBuffer(), false)
            throw error
        }
    }

    /// The first byte is looked at before any length has come.
    private mutating func takeHeader() throws(MQTTError) {
        let view = bytes.readableBytesView
        guard let first = view.first else { return }
        let type = try decoder.type(first)
        // Only version 5 asks for the shortest form.
        guard
            case .value(let length, let count) = try MQTTVariable.read(
                view.dropFirst(), mayBeLong: decoder.version != .v5)
        else { return }
        guard 1 + count + length <= maxPacketBytes else {
            throw MQTTError(.packetTooLarge, "a packet is above the limit of \(maxPacketBytes) bytes")
        }
        try Self.check(length, of: type, decoder.version)
        bytes.moveReaderIndex(forwardBy: 1 + count)
        state = .body(type, first: first, length: length)
    }

    /// Packets whose length is always the same.
    private static func check(_ length: Int, of type: MQTTPacketType, _ version: MQTTVersion?) throws(MQTTError) {
        let isRight =
            switch type {
            case .pingreq: length == 0
            case .disconnect: version == .v5 || length == 0
            case .puback, .pubrec, .pubrel, .pubcomp: version == .v5 || length == 2
            default: true
            }
        guard isRight else { throw .malformed("\(type.name) with a length of \(length)") }
    }

    /// Takes the bytes of a packet. A small one gets memory of its own, so that it does not keep a big message's.
    private mutating func body(_ count: Int) -> ByteBuffer {
        let isMost = count * 2 >= bytes.storageCapacity
        let body = bytes.readSlice(length: count) ?? ByteBuffer()
        return isMost || count == 0 ? body : ByteBuffer(bytes: body.readableBytesView)
    }

    /// What waits keeps no big message's memory.
    private mutating func keepLittle() {
        let count = bytes.readableBytes
        if count == 0 {
            bytes = ByteBuffer()
        } else if bytes.storageCapacity > 2 * count + 1_024 {
            bytes = ByteBuffer(bytes: bytes.readableBytesView)
        }
    }
}
