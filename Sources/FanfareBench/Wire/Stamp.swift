import NIOCore

/// What every publication of a run carries, at places that need no parser:
///
/// ```
/// "fanfare/rrrrccccccssssssssttttttttttttxxxx…"
/// ```
///
/// A JSON string, so that every protocol and every way to publish carries it unchanged: a magic, then in hexadecimal the
/// run (4), the channel's index (6), the sequence number in its channel (8) and the time in microseconds (12), then
/// padding up to the size that was asked for.
struct Stamp: Equatable {
    /// Another run may still publish to the same channels.
    var run: UInt16
    var channel: Int
    var sequence: UInt32
    /// ``MonotonicClock`` when the publication was due and handed to its publisher.
    var sentAt: Int64

    static let magic: StaticString = "fanfare/"
    /// Bytes of a stamp without its quotes.
    static let length = 38
    /// Least bytes of a payload.
    static let minimumPayload = length + 2

    /// Appends a payload of `size` bytes.
    func writePayload(size: Int, into buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt8(ascii: "\""))
        buffer.writeStaticString(Self.magic)
        Self.writeHex(UInt64(run), digits: 4, into: &buffer)
        Self.writeHex(UInt64(channel), digits: 6, into: &buffer)
        Self.writeHex(UInt64(sequence), digits: 8, into: &buffer)
        Self.writeHex(UInt64(sentAt), digits: 12, into: &buffer)
        buffer.writeRepeatingByte(UInt8(ascii: "x"), count: max(0, size - Self.minimumPayload))
        buffer.writeInteger(UInt8(ascii: "\""))
    }

    /// Reads the stamp whose magic begins at `offset`; `nil` when there is none.
    @inline(__always)
    static func read(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Stamp? {
        guard isAt(offset, in: bytes) else { return nil }
        // All loads lie within `length` bytes from the offset, which are there.
        let head = hex8(bytes, offset + 8)
        let middle = hex8(bytes, offset + 16)
        let high = hex8(bytes, offset + 24)
        let low = hex8(bytes, offset + 30)
        // rrrrcccc ccssssss sstttttt … with the last eight digits read once more, two of them twice.
        return Stamp(
            run: UInt16(head >> 16),
            channel: Int(head & 0xFFFF) << 8 | Int(middle >> 24),
            sequence: middle << 8 | high >> 24,
            sentAt: Int64(high & 0x00FF_FFFF) << 24 | Int64(low & 0x00FF_FFFF))
    }

    /// Whether a stamp begins at `offset`.
    @inline(__always)
    static func isAt(_ offset: Int, in bytes: UnsafeRawBufferPointer) -> Bool {
        offset + length <= bytes.count && bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self) == magicWord
    }

    // The bytes of `magic`; a literal needs no check whether it was set up.
    private static let magicWord = UInt64(littleEndian: 0x2F65_7261_666E_6166)

    /// Eight hexadecimal digits in lower case; anything else gives some number, never a trap.
    @inline(__always)
    private static func hex8(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt32 {
        var word = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        let letters = word >> 6 & 0x0101_0101_0101_0101
        word = ((word & 0x0F0F_0F0F_0F0F_0F0F) &+ letters &* 9) & 0x0F0F_0F0F_0F0F_0F0F
        // Pairs of nibbles, then of bytes, then of words move together.
        word = (word | word >> 4) & 0x00FF_00FF_00FF_00FF
        word = (word | word >> 8) & 0x0000_FFFF_0000_FFFF
        return UInt32(truncatingIfNeeded: word | word >> 16)
    }

    private static func writeHex(_ value: UInt64, digits: Int, into buffer: inout ByteBuffer) {
        for digit in (0..<digits).reversed() {
            let nibble = UInt8(truncatingIfNeeded: value >> UInt64(4 * digit)) & 15
            buffer.writeInteger(nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10)
        }
    }
}
