import NIOCore

/// Writes the commands of one ``FossilDelta``, for as long as they are shorter than what they stand for.
struct FossilDeltaWriter {
    /// In ascending order; the most significant digit of a number comes first.
    private static let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~".utf8)

    private let target: UnsafeRawBufferPointer
    private var delta = ByteBuffer()
    /// Whether the delta is no use: it would be as long as its target.
    private(set) var isTooLong = false

    init(target: UnsafeRawBufferPointer) {
        self.target = target
        number(UInt32(target.count))
        delta.writeStaticString("\n")
    }

    /// So many bytes of the base.
    mutating func copy(_ count: Int, from offset: Int) {
        number(UInt32(count))
        delta.writeStaticString("@")
        number(UInt32(offset))
        delta.writeStaticString(",")
    }

    /// Bytes of the target.
    mutating func insert(_ range: Range<Int>) {
        guard !range.isEmpty else { return }
        guard delta.readableBytes + range.count < target.count else { return isTooLong = true }
        number(UInt32(range.count))
        delta.writeStaticString(":")
        delta.writeBytes(target[range])
    }

    /// The whole delta; `nil` where it is no use.
    mutating func end() -> ByteBuffer? {
        number(Self.checksum(target))
        delta.writeStaticString(";")
        return isTooLong || delta.readableBytes >= target.count ? nil : delta
    }

    private mutating func number(_ value: UInt32) {
        var shift = max(0, (31 - value.leadingZeroBitCount) / 6 * 6)
        while shift >= 0 {
            delta.writeInteger(Self.digits[Int(value >> UInt32(shift)) & 63])
            shift -= 6
        }
    }

    /// The sum of all groups of four bytes, the first of which is the most significant; what is missing in the last is zero.
    static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var sum: UInt32 = 0
        let whole = bytes.count & ~3
        for offset in stride(from: 0, to: whole, by: 4) {
            sum &+= bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self).bigEndian
        }
        for offset in whole..<bytes.count { sum &+= UInt32(bytes[offset]) << UInt32(24 - 8 * (offset - whole)) }
        return sum
    }
}
