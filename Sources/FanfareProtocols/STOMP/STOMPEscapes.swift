import FanfareWire
import NIOCore

/// Escapes in headers ("Value Encoding"): 1.2 has `\r \n \c \\`, 1.1 the same without `\r`, 1.0 none.
enum STOMPEscapes {
    private static let backslash = UInt8(ascii: "\\")

    /// The text behind a header's bytes. An escape that the version does not have is a mistake, and so is what is not UTF-8.
    static func read(_ bytes: ByteBufferView, _ version: STOMPVersion) throws(STOMPError) -> ExactText {
        guard version > .v10, bytes.contains(backslash) else { return try text(bytes) }
        var (plain, isEscape) = ([UInt8](), false)
        plain.reserveCapacity(bytes.count)
        for byte in bytes {
            guard isEscape else {
                if byte == backslash { isEscape = true } else { plain.append(byte) }
                continue
            }
            isEscape = false
            switch byte {
            case backslash: plain.append(backslash)
            case UInt8(ascii: "n"): plain.append(0x0A)
            case UInt8(ascii: "c"): plain.append(UInt8(ascii: ":"))
            case UInt8(ascii: "r") where version >= .v12: plain.append(0x0D)
            default: throw STOMPError("a header holds an escape that STOMP \(version.rawValue) does not have")
            }
        }
        guard !isEscape else { throw STOMPError("a header ends within an escape") }
        return try text(plain)
    }

    private static func text(_ bytes: some Collection<UInt8>) throws(STOMPError) -> ExactText {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw STOMPError("a header is not UTF-8") }
        return ExactText(text)
    }

    /// Whether a header can say that text.
    static func canSay(_ text: ExactText, _ version: STOMPVersion, isName: Bool = false) -> Bool {
        // A client that trims names would take it for another.
        if isName, [text.utf8.first, text.utf8.last].compactMap(\.self).contains(where: isBlank) { return false }
        return switch version {
        case .v12: !text.utf8.contains(0)
        // A reader of 1.1 may take a carriage return at a line's end for a part of it.
        case .v11: !text.utf8.contains { $0 == 0 || $0 == 0x0D }
        // One of 1.0 takes no space behind the colon for a part of it.
        case .v10:
            text.utf8.first != 0x20
                && !text.utf8.contains { $0 == 0 || $0 == 0x0D || $0 == 0x0A || isName && $0 == UInt8(ascii: ":") }
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// Writes a text that a header can say: see ``canSay(_:_:isName:)``.
    static func write(_ text: ExactText, _ version: STOMPVersion, into buffer: inout ByteBuffer) {
        guard version > .v10, text.utf8.contains(where: isSpecial) else {
            buffer.writeString(text.string)
            return
        }
        for byte in text.utf8 {
            switch byte {
            case 0x0A: buffer.writeStaticString("\\n")
            case 0x0D where version >= .v12: buffer.writeStaticString("\\r")
            case UInt8(ascii: ":"): buffer.writeStaticString("\\c")
            case backslash: buffer.writeStaticString("\\\\")
            default: buffer.writeInteger(byte)
            }
        }
    }

    private static func isSpecial(_ byte: UInt8) -> Bool {
        byte == 0x0A || byte == 0x0D || byte == UInt8(ascii: ":") || byte == backslash
    }
}
