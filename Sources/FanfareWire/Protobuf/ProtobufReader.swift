import NIOCore

/// The fields of one message in the wire format of Protocol Buffers, in the order in which they come.
///
/// Nothing is copied, and nothing is taken before all of it is known to be there. A message within the message is bytes until it
/// gets a reader of its own, so depth costs nothing. Groups are refused: they are out of use, and to find the end of one would
/// take as many levels as its sender likes.
public struct ProtobufReader: Sendable {
    public struct Field: Sendable, Equatable {
        public let number: UInt32
        public let value: Value
    }

    public enum Value: Sendable, Equatable {
        /// A number or a flag.
        case varint(UInt64)
        /// A text, bytes or a message.
        case bytes(ByteBuffer)
        /// Four or eight bytes; no message here has such a field, so what they are is not kept.
        case fixed
    }

    private var rest: ByteBuffer

    public init(_ message: ByteBuffer) { rest = message }

    /// The next field; `nil` at the end. After an error the rest can't be read.
    public mutating func next() throws(ProtobufError) -> Field? {
        let before = rest.readableBytes
        guard before > 0 else { return nil }
        // 32 bits, in no more bytes than they need.
        guard let tag = rest.readProtobufVarint(), let tag = UInt32(exactly: tag), tag >> 3 > 0,
            before - rest.readableBytes <= 5
        else { throw ProtobufError() }
        return Field(number: tag >> 3, value: try value(wireType: tag & 7))
    }

    private mutating func value(wireType: UInt32) throws(ProtobufError) -> Value {
        switch wireType {
        case 0: if let number = rest.readProtobufVarint() { return .varint(number) }
        case 1: if rest.readSlice(length: 8) != nil { return .fixed }
        case 2: if let bytes = rest.readProtobufBytes() { return .bytes(bytes) }
        case 5: if rest.readSlice(length: 4) != nil { return .fixed }
        default: break
        }
        throw ProtobufError()
    }
}

/// Bytes that are no message in the wire format of Protocol Buffers.
public struct ProtobufError: Error, Equatable {}

extension ProtobufReader.Value {
    /// The text, where it is one: bytes that are UTF-8.
    public var text: String? {
        guard case .bytes(let bytes) = self else { return nil }
        return bytes.withUnsafeReadableBytes { String(validating: $0, as: UTF8.self) }
    }
}

extension ByteBuffer {
    /// An integer, seven bits a byte, the lowest first; `nil` where it is cut off or has more than 64 bits.
    public mutating func readProtobufVarint() -> UInt64? {
        var value: UInt64 = 0
        for place in 0..<10 {
            guard let byte: UInt8 = getInteger(at: readerIndex + place), place < 9 || byte <= 1 else { return nil }
            value |= UInt64(byte & 0x7F) << UInt64(7 * place)
            guard byte >= 0x80 else {
                moveReaderIndex(forwardBy: place + 1)
                return value
            }
        }
        return nil
    }

    /// What stands behind its length; `nil` where it is cut off.
    public mutating func readProtobufBytes() -> ByteBuffer? {
        guard let length = readProtobufVarint(), length <= UInt64(readableBytes) else { return nil }
        return readSlice(length: Int(length))
    }
}
