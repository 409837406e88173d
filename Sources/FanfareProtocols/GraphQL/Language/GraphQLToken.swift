/// A lexical token of a document (spec section 2.1.6).
enum GraphQLToken: Equatable {
    /// `! $ & ( ) : = @ [ ] { | }`
    case punctuator(UInt8)
    /// `...`
    case spread
    /// Its place in the source.
    case name(Range<Int>)
    /// A whole number, as it stands there.
    case int(Range<Int>)
    /// A number with a fraction or an exponent, as it stands there.
    case float(Range<Int>)
    /// What a string says, escapes resolved.
    case string(String)
    case end
}

/// The text of a document: UTF-8, of at most ``GraphQLBounds/documentBytes``.
struct GraphQLSource {
    let bytes: [UInt8]

    /// Where a byte is. Walks all before it: for errors, of which few are told.
    func location(_ offset: Int) -> GraphQLError.Location {
        var (line, column) = (1, 1)
        var index = 0
        while index < min(offset, bytes.count) {
            switch bytes[index] {
            // Section 2.1.3: CR LF is one line terminator.
            case 0x0D where index + 1 < bytes.count && bytes[index + 1] == 0x0A: break
            case 0x0A, 0x0D: (line, column) = (line + 1, 1)
            case 0x80...0xBF: break
            default: column += 1
            }
            index += 1
        }
        return .init(line: line, column: column)
    }

    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    func syntaxError(_ message: String, at offset: Int) -> GraphQLError {
        GraphQLError("Syntax error: \(message)", .syntax, at: location(offset))
    }
}
