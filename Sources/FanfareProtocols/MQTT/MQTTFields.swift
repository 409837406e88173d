import FanfareWire
import NIOCore

/// The fields of one packet, read from front to back. What does not fit is a malformed packet (§1.2).
struct MQTTFields {
    private(set) var bytes: ByteBuffer

    init(_ bytes: ByteBuffer) { self.bytes = bytes }

    var isEmpty: Bool { bytes.readableBytes == 0 }
    var count: Int { bytes.readableBytes }

    private static let short = MQTTError.malformed("a packet ends within a field")

    mutating func byte() throws(MQTTError) -> UInt8 { try integer() }

    mutating func short() throws(MQTTError) -> UInt16 { try integer() }

    mutating func long() throws(MQTTError) -> UInt32 { try integer() }

    private mutating func integer<Value: FixedWidthInteger>() throws(MQTTError) -> Value {
        guard let value = bytes.readInteger(as: Value.self) else { throw Self.short }
        return value
    }

    /// A variable byte integer in as few bytes as it needs (§1.5.5).
    mutating func variable() throws(MQTTError) -> Int {
        switch try MQTTVariable.read(bytes.readableBytesView, mayBeLong: false) {
        case .value(let value, let count):
            bytes.moveReaderIndex(forwardBy: count)
            return value
        case .more: throw Self.short
        }
    }

    /// Bytes behind their length in two bytes (§1.5.6).
    mutating func data() throws(MQTTError) -> ByteBuffer {
        guard let data = bytes.readSlice(length: Int(try short())) else { throw Self.short }
        return data
    }

    /// UTF-8 without surrogates, overlong forms and U+0000 (§1.5.4). What of it only SHOULD NOT be there may.
    mutating func text() throws(MQTTError) -> ExactText {
        let data = try data()
        guard let text = String(validating: data.readableBytesView, as: UTF8.self) else {
            throw .malformed("a text is not UTF-8")
        }
        guard !text.utf8.contains(0) else { throw .malformed("a text holds U+0000") }
        return ExactText(text)
    }

    /// A packet identifier, which is not 0 (§2.2.1).
    mutating func packetID() throws(MQTTError) -> UInt16 {
        let id = try short()
        guard id > 0 else { throw .against("a packet identifier is 0") }
        return id
    }

    /// The part of so many bytes.
    mutating func part(_ count: Int) throws(MQTTError) -> MQTTFields {
        guard let part = bytes.readSlice(length: count) else { throw Self.short }
        return MQTTFields(part)
    }

    /// Nothing may be left.
    func end() throws(MQTTError) {
        guard isEmpty else { throw .malformed("a packet goes on behind its last field") }
    }
}

/// Integers of one to four bytes, seven bits each, the lowest first (§1.5.5).
enum MQTTVariable {
    enum Outcome: Equatable {
        /// What it is, in so many bytes.
        case value(Int, count: Int)
        /// More bytes must come.
        case more
    }

    /// - Parameter mayBeLong: whether it may have more bytes than it needs, as in 3.1.1, which does not say.
    static func read(_ bytes: some Sequence<UInt8>, mayBeLong: Bool) throws(MQTTError) -> Outcome {
        var (value, count) = (0, 0)
        for byte in bytes {
            value |= Int(byte & 0x7F) << (7 * count)
            count += 1
            guard byte >= 0x80 else {
                guard mayBeLong || count == 1 || byte > 0 else {
                    throw .malformed("a length has more bytes than it needs")
                }
                return .value(value, count: count)
            }
            guard count < 4 else { throw .malformed("a length has more than four bytes") }
        }
        return .more
    }

    /// Bytes that it takes.
    static func size(_ value: Int) -> Int {
        switch value {
        case ..<0x80: 1
        case ..<0x4000: 2
        case ..<0x20_0000: 3
        default: 4
        }
    }

    static func write(_ value: Int, into buffer: inout ByteBuffer) {
        var rest = value
        repeat {
            let byte = UInt8(rest & 0x7F)
            rest >>= 7
            buffer.writeInteger(rest > 0 ? byte | 0x80 : byte)
        } while rest > 0
    }
}
