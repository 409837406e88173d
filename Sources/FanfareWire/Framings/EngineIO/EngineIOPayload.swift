import NIOCore

/// The body of a poll's answer and of a POST in Engine.IO 4: packets with 0x1E between them, a binary message as `b` and Base64.
///
/// Of a POST it is checked as a whole and then walked, packet by packet: a body of 10⁵ packets takes no more memory than its bytes.
public struct EngineIOPayload: Sendable, Equatable {
    /// Stands between two packets (ASCII's record separator). JSON has it only escaped, so no packet of Socket.IO has one.
    public static let separator: UInt8 = 0x1E
    /// Before the Base64 of a binary message.
    static let binary = UInt8(ascii: "b")

    /// What is not walked yet.
    private var rest: ByteBuffer
    /// Whether there is another packet.
    public private(set) var isEmpty = false

    /// Checks a body: text, of packets with kinds, binary ones whole Base64. One pass.
    ///
    /// - Returns: `nil`: at least one packet is none.
    public init?(_ body: ByteBuffer) {
        guard body.withUnsafeReadableBytes({ UTF8Validator.isValid($0) && Self.isValid($0) }) else { return nil }
        rest = body
    }

    private static func isValid(_ body: UnsafeRawBufferPointer) -> Bool {
        var packet = body[...]
        while true {
            let end = packet.firstIndex(of: separator) ?? packet.endIndex
            let bytes = UnsafeRawBufferPointer(rebasing: packet[..<end])
            guard let first = bytes.first else { return false }
            guard EngineIOPacket.Kind(rawValue: first) != nil || first == binary && Base64.isValid(bytes.dropFirst())
            else {
                return false
            }
            guard end < packet.endIndex else { return true }
            packet = packet[(end + 1)...]
        }
    }

    /// Bytes that are not walked yet.
    public var bytes: Int { rest.readableBytes }

    /// The next packet; `nil`: there is none.
    public mutating func next() -> EngineIOPacket? {
        guard !isEmpty else { return nil }
        let length = rest.readableBytesView.firstIndex(of: Self.separator).map { $0 - rest.readerIndex }
        guard var packet = rest.readSlice(length: length ?? rest.readableBytes) else { return nil }
        if length == nil { isEmpty = true } else { rest.moveReaderIndex(forwardBy: 1) }
        guard packet.readableBytesView.first == Self.binary else { return EngineIOPacket(copying: packet) }
        packet.moveReaderIndex(forwardBy: 1)
        guard let bytes = Base64.decode(packet.readableBytesView) else { return nil }
        return EngineIOPacket(.message, Payload(kind: .binary, bytes: ByteBuffer(bytes: bytes)))
    }
}

/// The way out: frames of ``EngineIOFraming`` as the body of a poll's answer.
extension EngineIOPayload {
    /// How many bytes at the front are whole frames.
    ///
    /// - Parameters:
    ///   - maxBytes: most of them.
    ///   - maxPackets: most frames.
    public static func whole(_ frames: ByteBuffer, maxBytes: Int = .max, maxPackets: Int = .max) -> Int {
        frames.withUnsafeReadableBytes { bytes in
            let most = min(bytes.count, maxBytes)
            var (end, packets) = (0, 0)
            while end < most, packets < maxPackets,
                let length = WebSocketFrame.wholeLength(UnsafeRawBufferPointer(rebasing: bytes[end...])),
                length <= most - end
            {
                end += length
                packets += 1
            }
            return end
        }
    }

    /// The packets of whole frames as one body: at most twice as many bytes, where all are short binary messages.
    public static func body(_ frames: ByteBuffer) -> ByteBuffer {
        var body = ByteBuffer()
        body.reserveCapacity(frames.readableBytes)
        frames.withUnsafeReadableBytes { bytes in
            var rest = bytes
            while let (opcode, header) = WebSocketFrame.plainHeader(rest),
                let length = WebSocketFrame.wholeLength(rest), length <= rest.count
            {
                if body.readableBytes > 0 { body.writeInteger(separator) }
                let payload = UnsafeRawBufferPointer(rebasing: rest[header..<length])
                if opcode == .binary {
                    body.writeInteger(binary)
                    body.writeBytes(Base64.encode(payload))
                } else {
                    body.writeBytes(payload)
                }
                rest = UnsafeRawBufferPointer(rebasing: rest[length...])
            }
        }
        return body
    }
}
