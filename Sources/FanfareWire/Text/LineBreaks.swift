import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

extension ByteBuffer {
    /// Makes the JSON written since `start` one line. In valid JSON a raw line break is only ever whitespace.
    public mutating func replaceLineBreaks(from start: Int) {
        for lineBreak: UInt8 in [0x0A, 0x0D] {
            var next = start
            while let index = firstIndex(of: lineBreak, from: next) {
                setInteger(UInt8(ascii: " "), at: index)
                next = index + 1
            }
        }
    }

    /// Where a byte is next, from a readable one on; `memchr` looks at many at a time.
    public func firstIndex(of byte: UInt8, from start: Int) -> Int? {
        withUnsafeReadableBytes { bytes in
            let rest = UnsafeRawBufferPointer(rebasing: bytes[(start - readerIndex)...])
            // `memchr` reads those bytes and no others, and what it returns is among them.
            guard let base = rest.baseAddress, let found = memchr(base, CInt(byte), rest.count) else { return nil }
            return start + (UnsafeRawPointer(found) - base)
        }
    }
}
