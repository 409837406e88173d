import NIOCore
import Testing

@testable import FanfareWire

@Suite("Exact text")
struct ExactTextTests {
    /// Texts that Swift's `==` takes for each other.
    static let pairs: [(ExactText, ExactText)] = [
        ("K", "\u{212A}"), ("\u{E9}", "e\u{301}"), (";", "\u{37E}"), ("`", "\u{1FEF}"), ("\u{C5}", "\u{212B}"),
        ("\u{AC00}", "\u{1100}\u{1161}"),
    ]

    @Test("texts are equal when their bytes are, in sets and dictionaries too", arguments: pairs)
    func bytes(text: ExactText, other: ExactText) {
        #expect(text.string == other.string, "a pair that this test is about")
        #expect(text != other && text == ExactText(text.string))
        #expect(Set([text, other, text]).count == 2)
        #expect([text: 1][other] == nil)
    }

    @Test("keys of a JSON object are told apart by their bytes, and only equal ones are there twice", arguments: pairs)
    func keys(text: ExactText, other: ExactText) throws {
        let object = try #require(JSONMembers(ByteBuffer(string: "{\"\(text)\":1,\"\(other)\":2}")))
        #expect(object[text]?.unsigned == 1 && object[other]?.unsigned == 2)
        #expect(!object.hasDuplicates)
        let twice = try #require(JSONMembers(ByteBuffer(string: "{\"\(text)\":1,\"\(text)\":2}")))
        #expect(twice.hasDuplicates)
    }

    @Test(
        "a token of HTTP is the same in any case of ASCII letters, and only of those",
        arguments: [
            ("websocket", true), ("WebSocket", true), ("WEBSOC\u{212A}ET", false), ("web", false),
            ("websockets", false),
            ("", false), ("web\u{17F}ocket", false), ("WEB[OCKET", false),
        ])
    func tokens(text: String, isToken: Bool) {
        #expect(text.isToken("websocket") == isToken)
        #expect((text.asciiLowercased.utf8.elementsEqual("websocket".utf8)) == isToken)
    }

    @Test("an upgrade to something that only looks like a WebSocket is none")
    func upgrade() {
        func check(_ upgrade: String) -> Int? {
            let fields = [
                (name: "Upgrade", value: upgrade), (name: "Connection", value: "Upgrade"),
                (name: "Sec-WebSocket-Version", value: "13"),
                (name: "Sec-WebSocket-Key", value: "dGhlIHNhbXBsZSBub25jZQ=="),
            ]
            let result = OpeningHandshake.check(
                method: "GET", majorVersion: 1, minorVersion: 1, headers: fields, subprotocols: [])
            if case .failure(let refusal) = result { return refusal.status }
            return nil
        }
        #expect(check("websocket") == nil && check("WebSocket") == nil)
        #expect(check("websoc\u{212A}et") == 426)
    }
}
