import NIOCore

/// An object's members as raw bytes: for readers that want a few known keys and the very bytes of a value.
///
/// Used by the wire protocols and by the server API, whose data must leave as it came.
public struct JSONMembers: Sendable {
    /// A member's value, in place.
    public struct Value: Sendable, Equatable {
        /// The value's own bytes, without whitespace around it.
        public let bytes: ByteBuffer

        /// The text, when the value is a string of whole characters.
        public var string: String? {
            bytes.withUnsafeReadableBytes { raw in
                guard raw.count >= 2, raw[0] == UInt8(ascii: "\"") else { return nil }
                return JSONScanner.decodedString(1..<raw.count - 1, in: raw)
            }
        }

        /// The same as a text to compare with.
        public var text: ExactText? { string.map { ExactText($0) } }

        /// The number, when the value is a whole one from 0 to 2³²-1.
        public var unsigned: UInt32? {
            bytes.withUnsafeReadableBytes { JSONScanner.unsigned(0..<$0.count, in: $0) }
        }

        /// The number, when the value is a whole one from 0 to 2⁶⁴-1.
        public var unsigned64: UInt64? {
            guard (1...20).contains(bytes.readableBytes),
                bytes.readableBytesView.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
            else { return nil }
            return UInt64(String(buffer: bytes))
        }

        /// The value of `true` or `false`.
        public var bool: Bool? {
            switch ExactText(String(buffer: bytes)) {
            case "true": true
            case "false": false
            default: nil
            }
        }

        /// Whether the value is `null`.
        public var isNull: Bool { bytes.readableBytesView.elementsEqual("null".utf8) }

        /// Whether the value is an array.
        public var isArray: Bool { bytes.readableBytesView.first == UInt8(ascii: "[") }

        /// The values of an array; `nil` when the value is none.
        public var elements: [Value]? { elements(upTo: .max) }

        /// The same; `nil` also when there are more than so many.
        public func elements(upTo limit: Int) -> [Value]? {
            bytes.withUnsafeReadableBytes { raw -> [Range<Int>]? in
                var scanner = JSONScanner(raw)
                guard scanner.take(UInt8(ascii: "[")) else { return nil }
                var ranges: [Range<Int>] = []
                if scanner.take(UInt8(ascii: "]")) { return ranges }
                while ranges.count < limit, let range = scanner.value() {
                    ranges.append(range)
                    if scanner.take(UInt8(ascii: "]")) { return ranges }
                    guard scanner.take(UInt8(ascii: ",")) else { return nil }
                }
                return nil
            }?.map { Value(bytes: bytes.slice($0)) }
        }
    }

    /// All members in order. Keys are compared by their bytes (RFC 8259 §8.3).
    public let members: [(key: ExactText, value: Value)]

    /// The value of a key; the last one counts, as in most readers. Looks through all members: not for a loop over ``keys``.
    public subscript(key: ExactText) -> Value? { members.last { $0.key == key }?.value }

    /// The keys in order.
    public var keys: [ExactText] { members.map(\.key) }

    /// Whether a key stands there twice.
    public var hasDuplicates: Bool { Set(members.lazy.map(\.key)).count < members.count }

    /// Reads one whole JSON object; `nil` for anything else, for an undecodable key, and for more members than `limit`.
    public init?(_ buffer: ByteBuffer, limit: Int = 64) {
        let ranges = buffer.withUnsafeReadableBytes { raw -> [(String, Range<Int>)]? in
            var scanner = JSONScanner(raw)
            guard let found = scanner.members(in: raw, limit: limit) else { return nil }
            scanner.skipWhitespace()
            return scanner.isAtEnd ? found : nil
        }
        guard let ranges else { return nil }
        members = ranges.map { (key: ExactText($0.0), value: Value(bytes: buffer.slice($0.1))) }
    }
}

extension JSONScanner {
    /// The members of the object that comes next.
    fileprivate mutating func members(in raw: UnsafeRawBufferPointer, limit: Int) -> [(String, Range<Int>)]? {
        guard take(UInt8(ascii: "{")) else { return nil }
        var found: [(String, Range<Int>)] = []
        if take(UInt8(ascii: "}")) { return found }
        while found.count < limit {
            skipWhitespace()
            guard let keyRange = string(), let key = Self.decodedString(keyRange, in: raw),
                take(UInt8(ascii: ":")), let range = value()
            else { return nil }
            found.append((key, range))
            if take(UInt8(ascii: "}")) { return found }
            guard take(UInt8(ascii: ",")) else { return nil }
        }
        return nil
    }
}

extension ByteBuffer {
    /// The bytes at `range` of the readable ones, without a copy.
    func slice(_ range: Range<Int>) -> ByteBuffer {
        getSlice(at: readerIndex + range.lowerBound, length: range.count) ?? ByteBuffer()
    }
}
