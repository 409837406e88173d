import NIOCore

/// Text as SockJS writes it: JSON strings in which also those characters are escaped that browsers were known to lose on the way
/// (sockjs-protocol, "JSON encoding"): U+200C–200F, U+2028–202F, U+2060–206F and U+FFF0–FFFF.
public enum SockJSText {
    /// UTF-8 as a string with its quotes. The result has no line breaks.
    public static func writeString(_ utf8: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt8(ascii: "\""))
        var (start, index) = (0, 0)
        while index < utf8.count {
            let length = escapedLength(utf8, at: index)
            guard length > 0 else {
                index += 1
                continue
            }
            buffer.writeBytes(utf8[start..<index])
            writeEscape(UnsafeRawBufferPointer(rebasing: utf8[index..<index + length]), into: &buffer)
            index += length
            start = index
        }
        buffer.writeBytes(utf8[start...])
        buffer.writeInteger(UInt8(ascii: "\""))
    }

    /// A frame as a string of JavaScript, for transports that run it. Also safe within a `<script>` element.
    ///
    /// - Parameter frame: without control characters.
    public static func writeScriptString(_ frame: ByteBuffer, into buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt8(ascii: "\""))
        frame.withUnsafeReadableBytes { bytes in
            var start = 0
            for index in 0..<bytes.count {
                let escape: StaticString
                switch bytes[index] {
                case UInt8(ascii: "\""): escape = "\\\""
                case UInt8(ascii: "\\"): escape = "\\\\"
                // `</script>` and `<!--` would end or change the element.
                case UInt8(ascii: "<"): escape = "\\u003c"
                default: continue
                }
                buffer.writeBytes(bytes[start..<index])
                buffer.writeStaticString(escape)
                start = index + 1
            }
            buffer.writeBytes(bytes[start...])
        }
        buffer.writeInteger(UInt8(ascii: "\""))
    }

    /// Bytes of the character that begins here and has to be escaped; 0: it has not.
    private static func escapedLength(_ bytes: UnsafeRawBufferPointer, at index: Int) -> Int {
        switch bytes[index] {
        case ..<0x20, UInt8(ascii: "\""), UInt8(ascii: "\\"): return 1
        case 0xE2, 0xEF: break
        default: return 0
        }
        guard index + 2 < bytes.count else { return 0 }
        switch (bytes[index], bytes[index + 1], bytes[index + 2]) {
        case (0xE2, 0x80, 0x8C...0x8F), (0xE2, 0x80, 0xA8...0xAF), (0xE2, 0x81, 0xA0...0xAF), (0xEF, 0xBF, 0xB0...0xBF):
            return 3
        default: return 0
        }
    }

    private static func writeEscape(_ character: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) {
        guard character.count == 1 else {
            // Three bytes of UTF-8 (RFC 3629 §3).
            let scalar =
                UInt32(character[0] & 0x0F) << 12 | UInt32(character[1] & 0x3F) << 6 | UInt32(character[2] & 0x3F)
            buffer.writeString("\\u" + String(scalar, radix: 16))
            return
        }
        switch character[0] {
        case UInt8(ascii: "\""): buffer.writeStaticString("\\\"")
        case UInt8(ascii: "\\"): buffer.writeStaticString("\\\\")
        case 0x08: buffer.writeStaticString("\\b")
        case 0x09: buffer.writeStaticString("\\t")
        case 0x0A: buffer.writeStaticString("\\n")
        case 0x0C: buffer.writeStaticString("\\f")
        case 0x0D: buffer.writeStaticString("\\r")
        case let byte: buffer.writeString((byte < 0x10 ? "\\u000" : "\\u00") + String(byte, radix: 16))
        }
    }
}
