import NIOCore

/// Writes JSON text into a buffer (RFC 8259).
public enum JSONWriter {
    /// Any text as one value on one line: what is JSON as it is, with line breaks between its tokens turned into spaces, all
    /// else as a string.
    ///
    /// - Parameter utf8: text.
    public static func writeValue(_ utf8: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) {
        guard JSONScanner.isValid(utf8) else { return writeString(utf8, into: &buffer) }
        let start = buffer.writerIndex
        buffer.writeBytes(utf8)
        buffer.replaceLineBreaks(from: start)
    }

    /// A string with its quotes.
    public static func writeString(_ text: String, into buffer: inout ByteBuffer) {
        var text = text
        text.withUTF8 { writeString(UnsafeRawBufferPointer($0), into: &buffer) }
    }

    /// UTF-8 as a string with its quotes.
    public static func writeString(_ utf8: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt8(ascii: "\""))
        var start = 0
        for index in 0..<utf8.count where needsEscape(utf8[index]) {
            buffer.writeBytes(utf8[start..<index])
            writeEscape(utf8[index], into: &buffer)
            start = index + 1
        }
        buffer.writeBytes(utf8[start..<utf8.count])
        buffer.writeInteger(UInt8(ascii: "\""))
    }

    /// Bytes that ``writeString(_:into:)-(UnsafeRawBufferPointer,_)`` writes.
    public static func stringSize(_ utf8: UnsafeRawBufferPointer) -> Int {
        utf8.reduce(utf8.count + 2) { size, byte in
            guard needsEscape(byte) else { return size }
            return size + (shortEscapes.contains(byte) ? 1 : 5)
        }
    }

    /// The same of a text.
    public static func stringSize(_ text: String) -> Int {
        var text = text
        return text.withUTF8 { stringSize(UnsafeRawBufferPointer($0)) }
    }

    /// Bytes that take two in a string; of the others that are escaped each takes six.
    private static let shortEscapes: [UInt8] = [UInt8(ascii: "\""), UInt8(ascii: "\\"), 0x0A, 0x0D, 0x09]

    private static func needsEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private static func writeEscape(_ byte: UInt8, into buffer: inout ByteBuffer) {
        switch byte {
        case UInt8(ascii: "\""): buffer.writeStaticString("\\\"")
        case UInt8(ascii: "\\"): buffer.writeStaticString("\\\\")
        case 0x0A: buffer.writeStaticString("\\n")
        case 0x0D: buffer.writeStaticString("\\r")
        case 0x09: buffer.writeStaticString("\\t")
        default:
            buffer.writeStaticString("\\u00")
            buffer.writeString(String(byte >> 4, radix: 16) + String(byte & 15, radix: 16))
        }
    }
}
