import FanfareTestKit
import Foundation
import Testing

/// Finds comparisons of Swift strings where access is decided. `String`'s `==` takes U+212A for `K`; `ExactText` and
/// `ChannelName` compare bytes, and can't be compared with a `String`. This finds what goes around them.
@Suite("Lint: texts that decide are compared by their bytes")
struct StringComparisonLintTests {
    /// Where somebody is let in or kept out.
    private static let folders = [
        "FanfareAuth", "FanfareProtocols", "FanfareCore/Broker", "FanfareCore/Channels", "FanfareCore/Clients",
        "FanfareCore/ControlBus", "FanfareCore/History", "FanfareCore/Hub", "FanfareCore/Limits",
        "FanfareCore/Presence",
        "FanfareCore/Session", "FanfareRedis/Cluster", "FanfareRedis/Links", "FanfareRedis/Presence",
        "FanfareRedis/Protocol", "FanfareRedis/Reads", "FanfareRedis/Streams", "FanfareServer/Addresses",
        "FanfareServer/Admin", "FanfareServer/Client", "FanfareServer/Commands", "FanfareServer/HTTP",
        "FanfareServer/Listener", "FanfareServer/Node", "FanfareServer/Tokens", "FanfareServer/Transports",
        "FanfareWire/Channels", "FanfareWire/Clients", "FanfareWire/Framings", "FanfareWire/JSON",
        "FanfareWire/Presence", "FanfareWire/Publications", "FanfareWire/Text", "FanfareWire/WebSocket",
    ]

    /// What a line must not hold, and what to write instead.
    private static func rules() throws -> [(pattern: NSRegularExpression, advice: String)] {
        try [
            (#"Set<(String|Substring)>"#, "Set<ExactText>"),
            (#"\[(String|Substring) ?:"#, "a dictionary with keys of ExactText"),
            (#"\b(lowercased|uppercased)\(\)"#, "asciiLowercased or isToken: others turn U+212A into k"),
            (#"\.(string|description)\)? *[!=]= "#, "compare the ExactText or ChannelName itself"),
            (#"[!=]= *\(?[A-Za-z.\[\]0-9]+\.string\b"#, "compare the ExactText or ChannelName itself"),
            (#"\.contains\([A-Za-z.]+\.string\)"#, "a Set<ExactText> or [ExactText]"),
            (
                #"\b(user|channel|channels|audience|issuer|keyID|kid|namespace|claim|subject)\??: *\[?(String|Substring)\b"#,
                "ExactText, or ChannelName where it is checked"
            ),
        ].map { (try NSRegularExpression(pattern: $0.0), $0.1) }
    }

    /// Lines that may: the end of the path, a part of the line, and why.
    private static let allowed: [(path: String, part: String, reason: String)] = [
        ("HTTP/OriginPolicy.swift", "lowercased()", "origins are held to ASCII; nobody but a program can send others"),
        ("Admin/AdminEndpoint.swift", "type.lowercased()", "a media type of our own words, none of which holds a k"),
        ("Tokens/TokenRequest.swift", "String", "what fanfare token create is asked for; it decides nothing"),
        ("Links/RedisWords.swift", "commands: Set<String>", "names of Redis' commands, for the log"),
        (
            "Addresses/TrustedNetworks.swift", "entry.lowercased()",
            "words of the operator's own setting, none of which holds a k"
        ),
        ("Emitters/PythonEmitter.swift", "String", "names of Redis' channels, compared byte for byte"),
        ("Emitters/RedisEmitter.swift", "String", "names of Redis' channels, compared byte for byte"),
        ("Schema/GraphQLSchema+Text.swift", "String", "GraphQL's own String, in a schema that is read and shown"),
        ("FanfareAuth/TokenSigner.swift", "keyID: String?", "written into a token, not compared"),
    ]

    private static func findings(
        in line: String, _ rules: [(pattern: NSRegularExpression, advice: String)]
    ) -> [String] {
        let code = line.range(of: "//").map { String(line[..<$0.lowerBound]) } ?? line
        let all = NSRange(code.startIndex..., in: code)
        return rules.filter { $0.pattern.firstMatch(in: code, range: all) != nil }.map(\.advice)
    }

    @Test("no string is compared where access is decided, but for those that are listed with a reason")
    func sources() throws {
        var found: [String] = []
        var files = 0
        let rules = try Self.rules()
        for folder in Self.folders {
            let root = Repository.path + "/Sources/" + folder
            let all = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
            let names = all.filter { $0.hasSuffix(".swift") }
            #expect(!names.isEmpty, "\(folder) has no sources: where did they go?")
            for name in names {
                files += 1
                let text = try String(contentsOfFile: root + "/" + name, encoding: .utf8)
                for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
                    let isAllowed = Self.allowed.contains {
                        "\(folder)/\(name)".hasSuffix($0.path) && line.contains($0.part)
                    }
                    for advice in Self.findings(in: String(line), rules) where !isAllowed {
                        found.append("\(folder)/\(name):\(index + 1): \(line.trimmed): use \(advice)")
                    }
                }
            }
        }
        #expect(files > 400, "the sources are where this looks")
        #expect(found == [])
    }

    @Test(
        "the lint finds what it is for",
        arguments: [
            "var groups: [String: ClientGroup] = [:]", "let names: Set<String> = []", "public let user: String",
            "guard $0.channel.string == name else { return }", "if name == channel.string {",
            "guard scheme.lowercased() == word else { return nil }", "bearer.channels.contains(channel.string)",
            "public var audience: String?", "var channels: [String] = []", "let keyID: String?",
        ])
    func finds(line: String) throws { #expect(try !Self.findings(in: line, Self.rules()).isEmpty) }

    @Test(
        "and nothing else",
        arguments: [
            "/// `String`'s `==`: Set<String>", "let user: ExactText", "guard $0.channel == channel else { return }",
            "JSONWriter.writeString(channel.string, into: &buffer)", "var groups: [ExactText: ClientGroup] = [:]",
            "let channel: ChannelName", "text.asciiLowercased == word",
        ])
    func passes(line: String) throws { #expect(try Self.findings(in: line, Self.rules()) == []) }
}

extension StringProtocol {
    fileprivate var trimmed: String { trimmingCharacters(in: .whitespaces) }
}
