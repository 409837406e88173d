import FanfareCore
import FanfareWire
import Testing

@Suite("Channel boundaries")
struct ChannelBoundaryTests {
    private func boundary(_ name: String) throws -> ChannelBoundary { ChannelBoundary(try ChannelName(name)) }

    @Test("the name says who may come near a channel")
    func kinds() throws {
        #expect(try boundary("a") == .none)
        #expect(try boundary("a$b") == .none)
        #expect(try boundary("$a") == .token)
        #expect(try boundary("$a#42") == .token)
        #expect(try boundary("a#42") == .users(["42"]))
        #expect(try boundary("chat:a#42;43") == .users(["42", "43"]))
        #expect(try boundary("#42") == .users(["42"]))
    }

    @Test(
        "a user-limited channel is for exactly its users",
        arguments: [
            ("a#42", "42", true), ("a#42", "4", false), ("a#42", "", false), ("a#42;43", "43", true),
            ("a#42;43", "42;43", false), ("a#", "", false), ("a#;", "", false), ("a#ö", "ö", true),
            ("a#o\u{308}", "ö", false), ("a#me@x.org;auth0|7", "auth0|7", true), ("a#1#2", "1", false),
            ("a#1#2", "1#2", true), ("a#1\u{37E}2", "1", false), ("a#1\u{37E}2", "1\u{37E}2", true),
            ("a#K", "\u{212A}", false), ("a#1;\u{301}2", "1", true),
        ])
    func users(channel: String, user: String, isIncluded: Bool) throws {
        #expect(try boundary(channel).includes(user: ExactText(user)) == isIncluded)
    }
}
