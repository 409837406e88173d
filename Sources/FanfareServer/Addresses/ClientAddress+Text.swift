/// Reading addresses as proxies write them. Strict: what could be read in two ways is not read at all.
extension ClientAddress {
    /// `192.0.2.1` or `2001:db8::1`; no port, no brackets, no zone.
    init?(_ text: ArraySlice<UInt8>) {
        if let v4 = Self.v4(text) {
            self.init(v4: v4)
        } else if let v6 = Self.v6(text) {
            self = v6
        } else {
            return nil
        }
    }

    init?(_ text: String) { self.init(Array(text.utf8)[...]) }

    /// The same, also with a port behind it, which IPv6 has only in brackets: `192.0.2.1:80`, `[2001:db8::1]:80`.
    init?(hop text: ArraySlice<UInt8>) {
        if text.first == UInt8(ascii: "[") {
            guard let end = text.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            let rest = text[(end + 1)...]
            guard rest.isEmpty || rest.first == UInt8(ascii: ":") && Self.isPort(rest.dropFirst()),
                let v6 = Self.v6(text[(text.startIndex + 1)..<end])
            else { return nil }
            self = v6
        } else if let colon = text.firstIndex(of: UInt8(ascii: ":")), let v4 = Self.v4(text[..<colon]) {
            guard Self.isPort(text[(colon + 1)...]) else { return nil }
            self.init(v4: v4)
        } else {
            self.init(text)
        }
    }

    static func v4(_ text: ArraySlice<UInt8>) -> UInt32? {
        let parts = text.split(separator: UInt8(ascii: "."), maxSplits: 4, omittingEmptySubsequences: false)
        guard text.count <= 15, parts.count == 4 else { return nil }
        var address: UInt32 = 0
        for part in parts {
            // A zero in front means octal to some.
            guard let number = decimal(part, digits: 3), number <= 255,
                part.count == 1 || part.first != UInt8(ascii: "0")
            else { return nil }
            address = address << 8 | UInt32(number)
        }
        return address
    }

    static func v6(_ text: ArraySlice<UInt8>) -> ClientAddress? {
        guard text.count <= 45 else { return nil }
        let colon = UInt8(ascii: ":")
        var groups: [UInt16]
        if let gap = text.indices.dropLast().first(where: { text[$0] == colon && text[$0 + 1] == colon }) {
            guard let head = Self.groups(text[..<gap], mayEndInV4: false),
                let tail = Self.groups(text[(gap + 2)...], mayEndInV4: true), head.count + tail.count < 8
            else { return nil }
            groups = head + Array(repeating: 0, count: 8 - head.count - tail.count) + tail
        } else {
            guard let all = Self.groups(text, mayEndInV4: true), all.count == 8 else { return nil }
            groups = all
        }
        func half(_ groups: ArraySlice<UInt16>) -> UInt64 { groups.reduce(0) { $0 << 16 | UInt64($1) } }
        return ClientAddress(high: half(groups[..<4]), low: half(groups[4...]))
    }

    private static func groups(_ text: ArraySlice<UInt8>, mayEndInV4: Bool) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        var groups: [UInt16] = []
        let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if let group = hexadecimal(part) {
                groups.append(group)
            } else if mayEndInV4, index == parts.count - 1, let v4 = v4(part) {
                groups += [UInt16(v4 >> 16), UInt16(truncatingIfNeeded: v4)]
            } else {
                return nil
            }
        }
        return groups
    }

    private static func hexadecimal(_ text: ArraySlice<UInt8>) -> UInt16? {
        guard 1...4 ~= text.count else { return nil }
        var number: UInt16 = 0
        for byte in text {
            guard let digit = Character(UnicodeScalar(byte)).hexDigitValue, byte < 0x80 else { return nil }
            number = number << 4 | UInt16(digit)
        }
        return number
    }

    /// A number of at most so many digits.
    static func decimal(_ text: ArraySlice<UInt8>, digits: Int) -> Int? {
        guard 1...digits ~= text.count else { return nil }
        var number = 0
        for byte in text {
            guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte else { return nil }
            number = number * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return number
    }

    private static func isPort(_ text: ArraySlice<UInt8>) -> Bool { decimal(text, digits: 5) ?? .max <= 65_535 }
}
