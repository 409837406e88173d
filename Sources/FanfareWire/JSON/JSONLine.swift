import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// One JSON value on one line: fit to stand inside any message of the Centrifuge protocol.
public struct JSONLine: Sendable, Equatable {
    /// The value as it came, with line breaks between its tokens turned into spaces.
    public let bytes: ByteBuffer

    /// - Returns: `nil` for what is not UTF-8 or not exactly one JSON value.
    public init?(_ text: ByteBuffer) {
        let isJSON = text.withUnsafeReadableBytes { UTF8Validator.isValid($0) && JSONScanner.isValid($0) }
        guard isJSON else { return nil }
        var line = text
        line.replaceLineBreaks(from: line.readerIndex)
        bytes = line
    }
}

extension ByteBuffer {
    /// Makes the JSON written since `start` one line. In valid JSON a raw line break is only ever whitespace.
    mutating func replaceLineBreaks(from start: Int) {
        for lineBreak: UInt8 in [0x0A, 0x0D] {
            var next = start
            while let index = firstIndex(of: lineBreak, from: next) {
                setInteger(UInt8(ascii: " "), at: index)
                next = index + 1
            }
        }
    }

    /// Where a byte is next, from a readable one on; `memchr` looks at many at a time.
    private func firstIndex(of byte: UInt8, from start: Int) -> Int? {
        withUnsafeReadableBytes { bytes in
            let rest = UnsafeRawBufferPointer(rebasing: bytes[(start - readerIndex)...])
            // `memchr` reads those bytes and no others, and what it returns is among them.
            guard let base = rest.baseAddress, let found = memchr(base, CInt(byte), rest.count) else { return nil }
            return start + (UnsafeRawPointer(found) - base)
        }
    }
}
