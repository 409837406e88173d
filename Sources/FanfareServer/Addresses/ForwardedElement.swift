/// One element of the field `Forwarded` (RFC 7239 §4): what one hop says about the request that it got.
enum ForwardedElement {
    /// The address in its parameter `for`; `nil`: none, `unknown`, a made-up name, or not an element at all.
    static func client(_ element: ArraySlice<UInt8>) -> ClientAddress? {
        value(of: "for", in: element).flatMap { ClientAddress(hop: $0[...]) }
    }

    /// The value of a parameter, whose name is given in lower case; `nil`: it is not there, or there twice, or this is no
    /// element.
    static func value(of parameter: String, in element: ArraySlice<UInt8>) -> [UInt8]? {
        var rest = element
        var found: [UInt8]?
        while true {
            guard let (name, value) = pair(&rest) else { return nil }
            if name.elementsEqual(parameter.utf8, by: { $0 | 0x20 == $1 }) {
                // Two could be one of the hop and one of a stranger.
                guard found == nil else { return nil }
                found = value
            }
            if rest.isEmpty { return found }
        }
    }

    /// Whether the name of a protocol, as `proto` and `X-Forwarded-Proto` have it, is one over TLS.
    static func isTLS(_ name: ArraySlice<UInt8>) -> Bool {
        ["https", "wss"].contains { name.elementsEqual($0.utf8, by: { HostField.lowercased($0) == $1 }) }
    }

    /// Takes `name=value` and the semicolon behind it.
    private static func pair(_ rest: inout ArraySlice<UInt8>) -> (name: ArraySlice<UInt8>, value: [UInt8])? {
        guard let equals = rest.firstIndex(of: UInt8(ascii: "=")) else { return nil }
        let name = ListFromRight.trimmed(rest[..<equals])
        guard !name.isEmpty, name.allSatisfy({ isLetter($0) || $0 == UInt8(ascii: "-") }) else { return nil }
        rest = rest[(equals + 1)...]
        guard let value = rest.first == UInt8(ascii: "\"") ? quoted(&rest) : plain(&rest) else { return nil }
        rest = ListFromRight.trimmed(rest)
        guard let next = rest.first else { return (name, value) }
        guard next == UInt8(ascii: ";") else { return nil }
        // Pairs may be empty.
        rest = rest.drop { $0 == UInt8(ascii: ";") || $0 == 0x20 || $0 == 0x09 }
        return (name, value)
    }

    /// RFC 9110 §5.6.4.
    private static func quoted(_ rest: inout ArraySlice<UInt8>) -> [UInt8]? {
        var value: [UInt8] = []
        var isEscaped = false
        for index in rest.indices.dropFirst() {
            let byte = rest[index]
            if !isEscaped, byte == UInt8(ascii: "\"") {
                rest = rest[(index + 1)...]
                return value
            }
            isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
            if !isEscaped { value.append(byte) }
        }
        return nil
    }

    /// A value without quotes; some hops write a port, too, which needs them.
    private static func plain(_ rest: inout ArraySlice<UInt8>) -> [UInt8]? {
        let end = rest.firstIndex(of: UInt8(ascii: ";")) ?? rest.endIndex
        let value = ListFromRight.trimmed(rest[..<end])
        rest = rest[end...]
        return value.isEmpty || value.contains { "\" \t=".utf8.contains($0) } ? nil : Array(value)
    }

    private static func isLetter(_ byte: UInt8) -> Bool { UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20 }
}
