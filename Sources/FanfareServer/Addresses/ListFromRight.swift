/// The elements of a list in header fields (RFC 9110 §5.6.1), from the last to the first: the last was written by the hop
/// that is nearest, and nothing to its left has a say in where it begins.
///
/// With quotes: a comma in a quoted string is no separator. Read from the right, an element that is well-formed has all of
/// its quotes, whatever a stranger has put to the left of it.
struct ListFromRight: Sequence, IteratorProtocol {
    private var fields: [String]
    private var rest: ArraySlice<UInt8>?
    private let isQuoted: Bool

    /// - Parameter fields: the values of all fields of the name, in the order in which they came.
    init(_ fields: [String], isQuoted: Bool) {
        self.fields = fields
        self.isQuoted = isQuoted
    }

    /// The next element, without white space around it; one that is empty is there, too.
    mutating func next() -> ArraySlice<UInt8>? {
        if rest == nil { rest = fields.popLast().map { Array($0.utf8)[...] } }
        guard let text = rest else { return nil }
        var isInQuotes = false
        for index in text.indices.reversed() {
            switch text[index] {
            case UInt8(ascii: "\"") where isQuoted && !Self.isEscaped(text[..<index]): isInQuotes.toggle()
            case UInt8(ascii: ",") where !isInQuotes:
                rest = text[..<index]
                return Self.trimmed(text[(index + 1)...])
            default: break
            }
        }
        rest = nil
        return Self.trimmed(text)
    }

    /// Whether what follows is the second half of a quoted pair.
    private static func isEscaped(_ before: ArraySlice<UInt8>) -> Bool {
        !before.reversed().prefix { $0 == UInt8(ascii: "\\") }.count.isMultiple(of: 2)
    }

    static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        let end = text.lastIndex { !isBlank($0) }.map { $0 + 1 } ?? text.startIndex
        return text[..<end].drop(while: isBlank)
    }
}
