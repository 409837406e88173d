/// `host[:port]` as the field Host has it (RFC 9110 §7.2; RFC 3986 §3.2.2 and §3.2.3). Pure; compared by bytes.
struct HostField: Sendable, Equatable {
    /// In lower case; an IPv6 address stands in its brackets. May be empty: then the target has no host.
    let host: [UInt8]
    /// `nil`: there is none, and the scheme decides.
    let port: Int?

    /// - Returns: `nil` where the text is not what the grammar allows: spaces, user names, paths, bytes beyond ASCII.
    init?(_ text: some Collection<UInt8>) {
        let bytes = text.map(Self.lowercased)[...]
        var end = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
        if bytes.first == UInt8(ascii: "[") {
            guard let bracket = bytes.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            end = bracket + 1
            guard ClientAddress.v6(bytes[1..<bracket]) != nil else { return nil }
        } else {
            guard Self.isName(bytes[..<end]) else { return nil }
        }
        host = Array(bytes[..<end])
        guard let colon = bytes[end...].first else {
            port = nil
            return
        }
        let digits = bytes[(end + 1)...]
        guard colon == UInt8(ascii: ":"), digits.allSatisfy(Self.isDigit) else { return nil }
        // RFC 3986 §3.2.3: a port may be empty, which is as if there were none.
        guard !digits.isEmpty else {
            port = nil
            return
        }
        guard let number = UInt16(String(decoding: digits, as: UTF8.self)) else { return nil }
        port = Int(number)
    }

    init?(_ text: String) { self.init(text.utf8) }

    /// The address, where the host is one; a name is none, whatever it leads to.
    var address: ClientAddress? {
        let text = host.first == UInt8(ascii: "[") ? host.dropFirst().dropLast() : host[...]
        return ClientAddress(text)
    }

    /// Only ASCII: other letters have no place in a host, and some of them become ASCII when Unicode lowers them.
    static func lowercased(_ byte: UInt8) -> UInt8 {
        UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte | 0x20 : byte
    }

    static func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || UInt8(ascii: "a")...UInt8(ascii: "f") ~= lowercased(byte)
    }

    /// `reg-name`, which an IPv4 address is, too.
    private static func isName(_ bytes: ArraySlice<UInt8>) -> Bool {
        var rest = bytes
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): continue
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst(), let low = rest.popFirst(), isHexDigit(high), isHexDigit(low) else {
                    return false
                }
            default: guard "-._~!$&'()*+,;=".utf8.contains(byte) else { return false }
            }
        }
        return true
    }
}
