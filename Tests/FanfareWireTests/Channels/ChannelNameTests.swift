import Testing

@testable import FanfareWire

@Suite("Channel names")
struct ChannelNameTests {
    @Test(
        "what is allowed",
        arguments: ["a", "chat:room-1", "größe/😀", "$private", "user#42", String(repeating: "é", count: 127)])
    func good(text: String) throws {
        #expect(try ChannelName(text).string == text)
    }

    @Test("what is not, and why")
    func bad() {
        #expect(throws: ChannelNameError.empty) { try ChannelName("") }
        #expect(throws: ChannelNameError.tooLong(bytes: 256, limit: 255)) {
            try ChannelName(String(repeating: "é", count: 128))
        }
        #expect(throws: ChannelNameError.tooLong(bytes: 11, limit: 10)) {
            try ChannelName("12345678901", limit: 10)
        }
        for character in [" ", "*", "{", "}", ",", "\n", "\u{0}", "\u{7F}", "\u{85}"] {
            #expect(throws: ChannelNameError.self, "\(character.unicodeScalars)") { try ChannelName("a\(character)b") }
        }
    }

    @Test("names are equal by their bytes, as in Redis")
    func equality() throws {
        let (composed, decomposed) = (try ChannelName("\u{E9}"), try ChannelName("e\u{301}"))
        #expect(composed.string == decomposed.string)
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed, composed]).count == 2)
    }
}
