import FanfareWire
import Testing

@testable import FanfareServer

@Suite("Queries of targets")
struct QueryItemsTests {
    private func items(_ target: String) -> [String] {
        QueryItems(target).map { "\(String(Substring($0.name)))→\(String(Substring($0.value)))" }
    }

    @Test("items are told apart as they were sent, up to a fragment")
    func items() {
        #expect(items("/a").isEmpty && items("/a?").isEmpty && items("/a?&&").isEmpty && items("").isEmpty)
        #expect(items("/a?b=1&c&d=&=e&f=g=h?i") == ["b→1", "c→", "d→", "→e", "f→g=h?i"])
        #expect(items("/a?b=%26&é=1#c=2") == ["b→%26", "é→1"])
    }
}

@Suite("Tags of polls")
struct PollTagTests {
    private let position = StreamPosition(offset: 42, epoch: "k3vxq7ab")

    @Test("a tag fits, weak or not, alone or among others, in one field or several")
    func fits() {
        for fields in [
            ["W/\"42.k3vxq7ab\""], ["\"42.k3vxq7ab\""], ["\"a\", W/\"42.k3vxq7ab\" "], ["\"a\"", "\"42.k3vxq7ab\""],
            ["*"],
        ] {
            #expect(PollTag.matches(position, fields), "\(fields)")
        }
        #expect(PollTag.matches(position, [PollTag.text(position)]))
    }

    @Test("nothing else fits")
    func others() {
        for field in [
            "", "42.k3vxq7ab", "\"42.k3vxq7a\"", "W/42.k3vxq7ab", "w/\"42.k3vxq7ab\"", "\"4\"2.k3vxq7ab\"",
            "\"43.k3vxq7ab\"", ",",
            "**",
        ] {
            #expect(!PollTag.matches(position, [field]), "\(field)")
        }
        #expect(!PollTag.matches(position, []))
    }
}
