/// A JSON checker straight from the grammar of RFC 8259, byte by byte: what the quick scanner is held against.
struct ReferenceJSON {
    private let bytes: [UInt8]
    private var index = 0
    private let maximumDepth: Int

    /// - Parameter maximumDepth: values within each other; without a limit as many as an input has bytes.
    static func isValid(_ bytes: some Collection<UInt8>, maximumDepth: Int = .max) -> Bool {
        var reader = ReferenceJSON(bytes: Array(bytes), maximumDepth: maximumDepth)
        reader.space()
        guard reader.value(0) else { return false }
        reader.space()
        return reader.index == reader.bytes.count
    }

    private init(bytes: [UInt8], maximumDepth: Int) {
        self.bytes = bytes
        self.maximumDepth = maximumDepth
    }

    private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    private mutating func take(where isWanted: (UInt8) -> Bool) -> Bool {
        guard let next, isWanted(next) else { return false }
        index += 1
        return true
    }

    private mutating func space() { while take(where: { [0x20, 0x09, 0x0A, 0x0D].contains($0) }) {} }

    private mutating func value(_ depth: Int) -> Bool {
        guard depth < maximumDepth else { return false }
        switch next.map({ Unicode.Scalar($0) }) {
        case "{": return list("{", "}") { $0.string() && $0.colon() && $0.value(depth + 1) }
        case "[": return list("[", "]") { $0.value(depth + 1) }
        case "\"": return string()
        case "t": return word("true")
        case "f": return word("false")
        case "n": return word("null")
        default: return number()
        }
    }

    private mutating func list(
        _ open: Unicode.Scalar, _ close: Unicode.Scalar, _ element: (inout ReferenceJSON) -> Bool
    ) -> Bool {
        guard take(open) else { return false }
        space()
        if take(close) { return true }
        while true {
            space()
            guard element(&self) else { return false }
            space()
            if take(close) { return true }
            guard take(",") else { return false }
        }
    }

    private mutating func colon() -> Bool {
        space()
        guard take(":") else { return false }
        space()
        return true
    }

    private mutating func word(_ text: String) -> Bool { text.unicodeScalars.allSatisfy { take($0) } }

    private mutating func string() -> Bool {
        guard take("\"") else { return false }
        while true {
            if take("\"") { return true }
            if take("\\") {
                if take("u") {
                    for _ in 0..<4 where !take(where: { Character(Unicode.Scalar($0)).isHexDigit && $0 < 0x80 }) {
                        return false
                    }
                } else if !take(where: { #""\/bfnrt"#.utf8.contains($0) }) {
                    return false
                }
            } else if !take(where: { $0 >= 0x20 }) {
                return false
            }
        }
    }

    private mutating func digits() -> Bool {
        guard take(where: { (0x30...0x39).contains($0) }) else { return false }
        while take(where: { (0x30...0x39).contains($0) }) {}
        return true
    }

    private mutating func number() -> Bool {
        _ = take("-")
        guard take("0") || digits() else { return false }
        if take("."), !digits() { return false }
        if take("e") || take("E") {
            _ = take("+") || take("-")
            return digits()
        }
        return true
    }
}
