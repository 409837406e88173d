/// Reads deltas in the format of Fossil: the judge of those that nodes make, written from the format's description and
/// without their code.
public enum FossilPatch {
    public struct Malformed: Error, CustomStringConvertible {
        public let description: String
    }

    /// The target that a delta makes out of a base.
    ///
    /// - Parameter limit: most bytes of a target.
    public static func apply(_ delta: [UInt8], to base: [UInt8], limit: Int = 1 << 24) throws -> [UInt8] {
        var reader = Reader(bytes: delta[...])
        let size = try reader.number()
        guard try reader.byte() == UInt8(ascii: "\n") else {
            throw Malformed(description: "no line break behind the size")
        }
        guard size <= limit else { throw Malformed(description: "a target of \(size) bytes") }
        var target: [UInt8] = []
        while true {
            let count = try reader.number()
            switch try reader.byte() {
            case UInt8(ascii: "@"):
                let offset = try reader.number()
                guard try reader.byte() == UInt8(ascii: ",") else { throw Malformed(description: "no comma") }
                guard offset <= base.count, count <= base.count - offset else {
                    throw Malformed(description: "a copy of what the base has not")
                }
                target += base[offset..<offset + count]
            case UInt8(ascii: ":"):
                guard count <= reader.bytes.count else { throw Malformed(description: "an insert is cut") }
                target += reader.bytes.prefix(count)
                reader.bytes = reader.bytes.dropFirst(count)
            case UInt8(ascii: ";"):
                guard target.count == size else { throw Malformed(description: "\(target.count) bytes, not \(size)") }
                guard UInt32(count) == checksum(target) else { throw Malformed(description: "another checksum") }
                guard reader.bytes.isEmpty else { throw Malformed(description: "bytes behind the end") }
                return target
            case let other: throw Malformed(description: "the command \(other)")
            }
            guard target.count <= size else { throw Malformed(description: "more than \(size) bytes") }
        }
    }

    private struct Reader {
        var bytes: ArraySlice<UInt8>

        mutating func byte() throws -> UInt8 {
            guard let byte = bytes.popFirst() else { throw Malformed(description: "the delta is cut") }
            return byte
        }

        mutating func number() throws -> Int {
            var value = 0
            var digits = 0
            while let next = bytes.first, let digit = Self.digit(next) {
                value = value << 6 + digit
                digits += 1
                guard value <= UInt32.max else { throw Malformed(description: "a number of more than 32 bits") }
                bytes = bytes.dropFirst()
            }
            guard digits > 0 else { throw Malformed(description: "no number") }
            return value
        }

        private static func digit(_ byte: UInt8) -> Int? {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): Int(byte - UInt8(ascii: "A")) + 10
            case UInt8(ascii: "_"): 36
            case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(byte - UInt8(ascii: "a")) + 37
            case UInt8(ascii: "~"): 63
            default: nil
            }
        }
    }

    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var sum: UInt32 = 0
        for (index, byte) in bytes.enumerated() { sum &+= UInt32(byte) << UInt32(24 - 8 * (index % 4)) }
        return sum
    }
}
