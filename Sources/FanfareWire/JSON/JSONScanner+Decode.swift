/// Values that the node itself has to understand, out of ranges that the scanner gave.
extension JSONScanner {
    /// The text of a string's inside; `nil` for lone surrogates, which are not text.
    static func decodedString(_ range: Range<Int>, in bytes: UnsafeRawBufferPointer) -> String? {
        let inside = UnsafeRawBufferPointer(rebasing: bytes[range])
        guard inside.contains(UInt8(ascii: "\\")) else { return String(validating: inside, as: UTF8.self) }
        var output: [UInt8] = []
        output.reserveCapacity(inside.count)
        var index = 0
        while index < inside.count {
            guard inside[index] == UInt8(ascii: "\\") else {
                output.append(inside[index])
                index += 1
                continue
            }
            guard index + 1 < inside.count, let length = unescape(inside, at: index, into: &output) else { return nil }
            index += length
        }
        return String(validating: output, as: UTF8.self)
    }

    /// Writes what an escape stands for; its length in the text, `nil` when it stands for nothing.
    private static func unescape(
        _ bytes: UnsafeRawBufferPointer, at index: Int, into output: inout [UInt8]
    ) -> Int? {
        switch bytes[index + 1] {
        case UInt8(ascii: "b"): output.append(0x08)
        case UInt8(ascii: "f"): output.append(0x0C)
        case UInt8(ascii: "n"): output.append(0x0A)
        case UInt8(ascii: "r"): output.append(0x0D)
        case UInt8(ascii: "t"): output.append(0x09)
        case UInt8(ascii: "u"): return unicode(bytes, at: index, into: &output)
        case let character: output.append(character)
        }
        return 2
    }

    private static func unicode(_ bytes: UnsafeRawBufferPointer, at index: Int, into output: inout [UInt8]) -> Int? {
        guard let unit = hex(bytes, at: index + 2) else { return nil }
        if let scalar = Unicode.Scalar(unit) {
            output += Array(String(scalar).utf8)
            return 6
        }
        guard unit < 0xDC00, index + 7 < bytes.count, bytes[index + 6] == UInt8(ascii: "\\"),
            bytes[index + 7] == UInt8(ascii: "u"), let low = hex(bytes, at: index + 8), low & 0xFC00 == 0xDC00,
            let scalar = Unicode.Scalar(0x1_0000 + UInt32(unit - 0xD800) << 10 + UInt32(low - 0xDC00))
        else { return nil }
        output += Array(String(scalar).utf8)
        return 12
    }

    /// A whole number from 0 to 2³²-1 without fraction or exponent.
    static func unsigned(_ range: Range<Int>, in bytes: UnsafeRawBufferPointer) -> UInt32? {
        guard range.count <= 10, !range.isEmpty else { return nil }
        var value: UInt64 = 0
        for byte in bytes[range] {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            value = value * 10 + UInt64(byte - UInt8(ascii: "0"))
        }
        return UInt32(exactly: value)
    }
}
