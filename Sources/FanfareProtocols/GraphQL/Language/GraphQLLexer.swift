/// Bytes of a document to tokens, one at a time (spec section 2.1). Bounded by ``GraphQLBounds/tokens``; never recurses.
struct GraphQLLexer {
    let source: GraphQLSource
    private var index = 0
    private var count = 0
    private var bytes: [UInt8] { source.bytes }

    init(_ source: GraphQLSource) { self.source = source }

    /// The next token and where it begins.
    mutating func next() throws(GraphQLError) -> (token: GraphQLToken, place: Int) {
        try skipIgnored()
        let place = index
        guard let first = peek() else { return (.end, place) }
        count += 1
        guard count <= GraphQLBounds.tokens else {
            throw GraphQLError(
                "the document has more than \(GraphQLBounds.tokens) tokens", .tooComplex,
                at: source.location(place))
        }
        switch first {
        case UInt8(ascii: "!"), UInt8(ascii: "$"), UInt8(ascii: "&"), UInt8(ascii: "("), UInt8(ascii: ")"),
            UInt8(ascii: ":"), UInt8(ascii: "="), UInt8(ascii: "@"), UInt8(ascii: "["), UInt8(ascii: "]"),
            UInt8(ascii: "{"), UInt8(ascii: "|"), UInt8(ascii: "}"):
            index += 1
            return (.punctuator(first), place)
        case UInt8(ascii: "."):
            guard peek(1) == first, peek(2) == first else { throw unexpected() }
            index += 3
            return (.spread, place)
        case UInt8(ascii: "\""):
            if peek(1) == first, peek(2) == first { return (.string(try blockString()), place) }
            return (.string(try string()), place)
        case let byte where Self.isDigit(byte) || byte == UInt8(ascii: "-"):
            return (try number(), place)
        case let byte where Self.isNameStart(byte):
            while let byte = peek(), Self.isNameStart(byte) || Self.isDigit(byte) { index += 1 }
            guard index - place <= GraphQLBounds.nameBytes else {
                throw GraphQLError(
                    "a name has more than \(GraphQLBounds.nameBytes) bytes", .tooComplex, at: source.location(place))
            }
            return (.name(place..<index), place)
        default: throw unexpected()
        }
    }

    private func peek(_ ahead: Int = 0) -> UInt8? { index + ahead < bytes.count ? bytes[index + ahead] : nil }

    private func unexpected() -> GraphQLError {
        guard let byte = peek() else { return source.syntaxError("unexpected end", at: index) }
        let text = (0x20...0x7E).contains(byte) ? "'\(Character(Unicode.Scalar(byte)))'" : "a character"
        return source.syntaxError("unexpected \(text)", at: index)
    }

    /// Section 2.1.7: whitespace, line terminators, comments, commas, and byte order marks.
    private mutating func skipIgnored() throws(GraphQLError) {
        while let byte = peek() {
            switch byte {
            case 0x20, 0x09, 0x0A, 0x0D, UInt8(ascii: ","): index += 1
            case 0xEF where peek(1) == 0xBB && peek(2) == 0xBF: index += 3
            case UInt8(ascii: "#"):
                while let byte = peek(), byte != 0x0A, byte != 0x0D {
                    // Section 2.1.1: no other control characters, anywhere.
                    guard byte >= 0x20 || byte == 0x09 else { throw unexpected() }
                    index += 1
                }
            default: return
            }
        }
    }

    /// Sections 2.9.1 and 2.9.2. No digit, dot or letter may follow.
    private mutating func number() throws(GraphQLError) -> GraphQLToken {
        let start = index
        var isFloat = false
        if peek() == UInt8(ascii: "-") { index += 1 }
        if peek() == UInt8(ascii: "0") { index += 1 } else { try digits() }
        if peek() == UInt8(ascii: ".") {
            isFloat = true
            index += 1
            try digits()
        }
        if let byte = peek(), byte | 0x20 == UInt8(ascii: "e") {
            isFloat = true
            index += 1
            if let sign = peek(), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { index += 1 }
            try digits()
        }
        if let byte = peek(), Self.isDigit(byte) || byte == UInt8(ascii: ".") || Self.isNameStart(byte) {
            throw unexpected()
        }
        return isFloat ? .float(start..<index) : .int(start..<index)
    }

    private mutating func digits() throws(GraphQLError) {
        guard let byte = peek(), Self.isDigit(byte) else { throw unexpected() }
        while let byte = peek(), Self.isDigit(byte) { index += 1 }
    }

    /// Section 2.9.4, between simple quotes.
    private mutating func string() throws(GraphQLError) -> String {
        index += 1
        var text: [UInt8] = []
        while let byte = peek() {
            switch byte {
            case UInt8(ascii: "\""):
                index += 1
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20 where byte != 0x09: throw unexpected()
            default:
                text.append(byte)
                index += 1
            }
        }
        throw source.syntaxError("a string without an end", at: index)
    }

    private mutating func escape(into text: inout [UInt8]) throws(GraphQLError) {
        let start = index
        guard let kind = peek(1) else { throw source.syntaxError("a string without an end", at: index) }
        index += 2
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(kind)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            guard var code = hex() else { throw source.syntaxError("\\u needs four hexadecimal digits", at: start) }
            if (0xD800..<0xDC00).contains(code), peek() == UInt8(ascii: "\\"), peek(1) == UInt8(ascii: "u") {
                index += 2
                guard let low = hex(), (0xDC00..<0xE000).contains(low) else {
                    throw source.syntaxError("half of a surrogate pair", at: start)
                }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else {
                throw source.syntaxError("half of a surrogate pair", at: start)
            }
            text.append(contentsOf: String(Character(scalar)).utf8)
        default: throw source.syntaxError("there is no such escape", at: start)
        }
    }

    private mutating func hex() -> UInt32? {
        guard index + 4 <= bytes.count else { return nil }
        var code: UInt32 = 0
        for byte in bytes[index..<index + 4] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else { return nil }
            code = code << 4 | UInt32(digit)
        }
        index += 4
        return code
    }

    /// Section 2.9.4, between three quotes each.
    private mutating func blockString() throws(GraphQLError) -> String {
        index += 3
        let quote = UInt8(ascii: "\"")
        var text: [UInt8] = []
        while let byte = peek() {
            if byte == quote, peek(1) == quote, peek(2) == quote {
                index += 3
                return GraphQLBlockString.value(text)
            }
            if byte == UInt8(ascii: "\\"), peek(1) == quote, peek(2) == quote, peek(3) == quote {
                text += [quote, quote, quote]
                index += 4
                continue
            }
            guard byte >= 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D else { throw unexpected() }
            text.append(byte)
            index += 1
        }
        throw source.syntaxError("a block string without an end", at: index)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    /// Section 2.1.9.
    static func isNameStart(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) && byte < 0x80 || byte == UInt8(ascii: "_")
    }
}

/// What a block string says: section 2.9.4, BlockStringValue.
enum GraphQLBlockString {
    static func value(_ raw: [UInt8]) -> String {
        var lines = lines(raw)
        // The indentation that all lines but the first have, of those that are more than whitespace.
        let common = lines.dropFirst().compactMap { line in
            line.firstIndex { !isBlank($0) }.map { $0 - line.startIndex }
        }.min()
        if let common, common > 0 {
            for index in lines.indices.dropFirst() { lines[index] = lines[index].dropFirst(common) }
        }
        let isEmpty: (ArraySlice<UInt8>) -> Bool = { $0.allSatisfy(isBlank) }
        let content = lines.drop(while: isEmpty)
        let last = content.lastIndex { !isEmpty($0) }.map { $0 + 1 } ?? content.startIndex
        return String(decoding: Array(content[..<last].joined(separator: [0x0A])), as: UTF8.self)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    private static func lines(_ raw: [UInt8]) -> [ArraySlice<UInt8>] {
        var (lines, start, index) = ([ArraySlice<UInt8>](), 0, 0)
        while index < raw.count {
            let byte = raw[index]
            index += 1
            guard byte == 0x0A || byte == 0x0D else { continue }
            lines.append(raw[start..<index - 1])
            if byte == 0x0D, index < raw.count, raw[index] == 0x0A { index += 1 }
            start = index
        }
        lines.append(raw[start...])
        return lines
    }
}
