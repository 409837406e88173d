import FanfareTestKit

/// Texts made of what streams and JSON take for something else.
enum OddText {
    private static let pieces = [
        "\r", "\n", "\r\n", "\n\n", "\r\r\n", ":", " ", "  ", "\t", "\0", "\u{FEFF}", "😀", "👩‍👩‍👧", "e\u{301}", "\u{212A}",
        "\u{2028}", "\u{85}", "\u{B}", "\u{C}", "data:", "data: ", "id: 5", "event: binary", "retry: 1", "a", "é", "\"",
        "\\",
        "{", "}", "[1]", "0\r\n\r\n", #"{"a":1}"#,
    ]
    private static let json = [
        "1", "-0.5e3", "true", "null", #""""#, #""x\ny""#, #""\ud83d\ude00""#, #""\u0000""#, "{}", "[]", #"{"id":7}"#,
        "\"\u{2028}\"",
    ]

    static func make(_ random: inout SeededRandom) -> String {
        (0..<Int.random(in: 0..<12, using: &random)).reduce(into: "") { text, _ in
            text += pieces.randomElement(using: &random) ?? ""
        }
    }

    /// JSON with whitespace of all kinds between its tokens.
    static func makeJSON(_ random: inout SeededRandom, depth: Int = 0) -> String {
        let space = { (random: inout SeededRandom) in
            ["", "", " ", "\n", "\r\n", "\r", "\t"].randomElement(using: &random) ?? ""
        }
        guard depth < 3, Bool.random(using: &random) else {
            return space(&random) + (json.randomElement(using: &random) ?? "0") + space(&random)
        }
        let isObject = Bool.random(using: &random)
        let parts = (0..<Int.random(in: 0..<4, using: &random)).map { number in
            (isObject ? "\(space(&random))\"k\(number)\"\(space(&random)):" : "") + makeJSON(&random, depth: depth + 1)
        }
        let inside = parts.isEmpty ? space(&random) : parts.joined(separator: ",")
        return space(&random) + (isObject ? "{\(inside)}" : "[\(inside)]") + space(&random)
    }
}
