import FanfareWire

/// Base64url without padding (RFC 7515 §2), strictly: one text for the same bytes, so that a token can't be told in two ways.
enum Base64URL {
    /// The bytes as text.
    static func encode(_ bytes: some Collection<UInt8>) -> String {
        let text = Base64.encode(bytes).compactMap { (byte: UInt8) -> UInt8? in
            switch byte {
            case UInt8(ascii: "+"): UInt8(ascii: "-")
            case UInt8(ascii: "/"): UInt8(ascii: "_")
            case UInt8(ascii: "="): nil
            default: byte
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The text as bytes; `nil` for padding, other alphabets, and bits behind the last whole byte that are not zero.
    static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        var standard: [UInt8] = []
        standard.reserveCapacity(text.count + 2)
        for byte in text {
            switch byte {
            case UInt8(ascii: "-"): standard.append(UInt8(ascii: "+"))
            case UInt8(ascii: "_"): standard.append(UInt8(ascii: "/"))
            case UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="): return nil
            default: standard.append(byte)
            }
        }
        while standard.count % 4 != 0 { standard.append(UInt8(ascii: "=")) }
        guard let bytes = Base64.decode(standard), Base64.encode(bytes) == standard else { return nil }
        return bytes
    }
}
