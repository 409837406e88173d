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
