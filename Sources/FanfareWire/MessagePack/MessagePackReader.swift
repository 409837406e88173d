import NIOCore

/// The values of a MessagePack message, one after the other: an array or a map is its head, and its elements follow.
///
/// Nothing is copied, and nothing is taken before all of it is known to be there: a head that promises more elements than there are bytes
/// left is refused at once. Depth is the caller's business, for this does not recurse.
public struct MessagePackReader: Sendable {
    public enum Value: Sendable, Equatable {
        case null
        case bool(Bool)
        /// Below zero.
        case negative(Int64)
        case unsigned(UInt64)
        case double(Double)
        /// UTF-8.
        case string(ByteBuffer)
        case binary(ByteBuffer)
        /// So many values follow.
        case array(Int)
        /// So many pairs follow, key and value.
        case map(Int)
        case ext(type: Int8, ByteBuffer)
    }

    private var rest: ByteBuffer

    public init(_ message: ByteBuffer) { rest = message }

    /// Whether all has been read.
    public var isAtEnd: Bool { rest.readableBytes == 0 }

    /// The next value. After an error the rest can't be read.
    public mutating func next() throws(MessagePackError) -> Value {
        let head: UInt8 = try integer()
        switch head {
        case 0x00...0x7F: return .unsigned(UInt64(head))
        case 0x80...0x8F: return .map(try elements(Int(head & 0x0F), bytesEach: 2))
        case 0x90...0x9F: return .array(try elements(Int(head & 0x0F), bytesEach: 1))
        case 0xA0...0xBF: return try string(Int(head & 0x1F))
        case 0xC0: return .null
        case 0xC2, 0xC3: return .bool(head == 0xC3)
        case 0xC4...0xC6: return .binary(try bytes(try length(head - 0xC4)))
        case 0xC7...0xC9: return try ext(try length(head - 0xC7))
        case 0xCA: return .double(Double(Float(bitPattern: try integer())))
        case 0xCB: return .double(Double(bitPattern: try integer()))
        case 0xCC: return .unsigned(UInt64(try integer() as UInt8))
        case 0xCD: return .unsigned(UInt64(try integer() as UInt16))
        case 0xCE: return .unsigned(UInt64(try integer() as UInt32))
        case 0xCF: return .unsigned(try integer())
        case 0xD0: return Self.signed(Int64(try integer() as Int8))
        case 0xD1: return Self.signed(Int64(try integer() as Int16))
        case 0xD2: return Self.signed(Int64(try integer() as Int32))
        case 0xD3: return Self.signed(try integer())
        case 0xD4...0xD8: return try ext(1 << Int(head - 0xD4))
        case 0xD9...0xDB: return try string(try length(head - 0xD9))
        case 0xDC, 0xDD:
            let count = try length(head - 0xDC + 1)
            return .array(try elements(count, bytesEach: 1))
        case 0xDE, 0xDF:
            // Read first: `elements` looks at what is left then.
            let count = try length(head - 0xDE + 1)
            return .map(try elements(count, bytesEach: 2))
        case 0xE0...0xFF: return .negative(Int64(Int8(bitPattern: head)))
        // 0xC1, which is never used.
        default: throw MessagePackError.malformed
        }
    }

    /// Passes over the next value with all that is in it. No recursion: its cost is that of its bytes.
    public mutating func skip() throws(MessagePackError) {
        var missing = 1
        while missing > 0 {
            missing -= 1
            switch try next() {
            case .array(let count): missing += count
            case .map(let count): missing += 2 * count
            default: break
            }
        }
    }

    private static func signed(_ number: Int64) -> Value { number < 0 ? .negative(number) : .unsigned(UInt64(number)) }

    private mutating func integer<Number: FixedWidthInteger>() throws(MessagePackError) -> Number {
        guard let number: Number = rest.readInteger() else { throw MessagePackError.malformed }
        return number
    }

    /// A length of 1, 2 or 4 bytes.
    private mutating func length(_ size: UInt8) throws(MessagePackError) -> Int {
        switch size {
        case 0: Int(try integer() as UInt8)
        case 1: Int(try integer() as UInt16)
        default: Int(try integer() as UInt32)
        }
    }

    private func elements(_ count: Int, bytesEach: Int) throws(MessagePackError) -> Int {
        guard count <= rest.readableBytes / bytesEach else { throw .malformed }
        return count
    }

    private mutating func bytes(_ count: Int) throws(MessagePackError) -> ByteBuffer {
        guard let bytes = rest.readSlice(length: count) else { throw .malformed }
        return bytes
    }

    private mutating func string(_ count: Int) throws(MessagePackError) -> Value {
        let bytes = try bytes(count)
        guard bytes.withUnsafeReadableBytes({ UTF8Validator.isValid($0) }) else { throw .notUTF8 }
        return .string(bytes)
    }

    private mutating func ext(_ count: Int) throws(MessagePackError) -> Value {
        .ext(type: try integer(), try bytes(count))
    }
}

/// Why bytes are no MessagePack that is taken.
public enum MessagePackError: Error, Equatable, CustomStringConvertible {
    /// Cut off, a head that means nothing, or one that promises more than there is.
    case malformed
    /// A string whose bytes are not UTF-8.
    case notUTF8

    public var description: String {
        switch self {
        case .malformed: "no MessagePack, or cut off"
        case .notUTF8: "a string that is not UTF-8"
        }
    }
}

extension MessagePackReader.Value {
    /// The text, where it is one.
    public var text: ExactText? {
        guard case .string(let bytes) = self else { return nil }
        return ExactText(String(buffer: bytes))
    }
}
