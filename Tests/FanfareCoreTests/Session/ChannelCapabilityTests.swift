import FanfareCore
import FanfareWire
import Testing

@Suite("Channel capabilities")
struct ChannelCapabilityTests {
    @Test(
        "a star stands for any text, also for none",
        arguments: [
            ("*", "a", true), ("*", "", true), ("a*", "a", true), ("a*", "abc", true), ("a*", "ba", false),
            ("*c", "abc", true), ("*c", "abcd", false), ("a*c", "ac", true), ("a*c", "abcbc", true),
            ("a*c", "abcb", false), ("a*b*c", "a1b2c", true), ("a*b*c", "acb", false), ("a**", "a", true),
            ("", "", true),
            ("", "a", false), ("news:*", "news:sport", true), ("news:*", "new:sport", false), ("*ö", "schö", true),
        ])
    func wildcards(pattern: String, name: String, isCovered: Bool) {
        #expect(
            ChannelCapability(channels: [ExactText(pattern)], isWildcard: true, allow: []).covers(ExactText(name))
                == isCovered)
    }

    @Test("without the wildcard a star is a star")
    func exact() {
        let capability = ChannelCapability(channels: ["a*"], allow: [])
        #expect(capability.covers("a*") && !capability.covers("ab"))
    }

    @Test("a pattern made to be slow is not")
    func slow() {
        let pattern = String(repeating: "*a", count: 100) + "*b"
        let capability = ChannelCapability(channels: [ExactText(pattern)], isWildcard: true, allow: [])
        #expect(!capability.covers(ExactText(String(repeating: "a", count: 255))))
    }

    @Test("what several entries allow adds up")
    func union() {
        let capabilities = [
            ChannelCapability(channels: ["a*"], isWildcard: true, allow: .subscribe),
            ChannelCapability(channels: ["ab"], allow: [.publish, .history]),
        ]
        #expect(capabilities.actions(in: "ab") == [.subscribe, .publish, .history])
        #expect(capabilities.actions(in: "ac") == .subscribe)
        #expect(capabilities.actions(in: "b") == [])
    }
}
