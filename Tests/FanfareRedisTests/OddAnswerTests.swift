import FanfareCore
import FanfareWire
import NIOCore
import Testing

@testable import FanfareRedis

/// What fuzzing found: answers that no script gives, and numbers at the end of their range.
@Suite("Odd answers of Redis")
struct OddAnswerTests {
    private func answers<Value>(_ text: String, _ body: (ReplyView) -> Value) throws -> [Value] {
        let reader = try #require(ReplyReader())
        var values: [Value] = []
        try reader.read(ByteBuffer(string: text)) { values.append(body($0)) }
        return values
    }

    @Test(
        "an answer without elements is no outlook", arguments: ["*0\r\n", "$0\r\n\r\n", ":7\r\n", "*-1\r\n", "+OK\r\n"])
    func noOutlook(text: String) throws {
        let outlooks = try answers(text, PresenceCalls.outlook)
        #expect(outlooks == [nil])
    }

    @Test("a member that lives for ever is looked at in time")
    func farExpiry() throws {
        let outlooks = try answers("*1\r\n:\(Int.max)\r\n", PresenceCalls.outlook)
        let next = try #require(outlooks.first??.nextExpiry)
        #expect(next.microseconds > UInt64.max / 4)
        #expect(next.microseconds < UInt64.max - 10_000_000_000_000)
    }

    @Test("entries that can't be in their place are left out and counted")
    func oddEntries() throws {
        func entry(_ id: String, _ field: String = "d", _ value: String = "hi") -> String {
            "*2\r\n$\(id.utf8.count)\r\n\(id)\r\n*2\r\n$\(field.utf8.count)\r\n\(field)\r\n$\(value.utf8.count)\r\n\(value)\r\n"
        }
        // Before the first place, of another field, of another version, again, back, behind the end; and two good ones.
        let entries = [
            entry("0-1"), entry("1-1", "x"), entry("2-1", "d", "\0FF\u{2}"), entry("3-1"), entry("3-2"), entry("2-2"),
            entry("4-1"), entry("9-1"), "*0\r\n", "$-1\r\n",
        ]
        let channel = try ChannelName("c")
        let pages = try answers(
            "*5\r\n$1\r\n4\r\n$1\r\ne\r\n$0\r\n\r\n*\(entries.count)\r\n\(entries.joined()):0\r\n"
        ) { StreamCalls.page(channel, HistoryQuery(limit: 20), $0) }
        let page = try #require(pages.first ?? nil)
        #expect(page.publications.compactMap(\.position?.offset) == [3, 4])
        #expect(page.unreadable == 8 && !page.isCut)
        let whole = page.publications(after: StreamPosition(offset: 2, epoch: "e"))
        #expect(whole?.count == 2)
        let hole = page.publications(after: StreamPosition(offset: 1, epoch: "e"))
        #expect(hole == nil)
    }

    @Test("a hole in the middle or at the end of a page is not everything that was missed")
    func holes() throws {
        let channel = try ChannelName("c")
        func page(_ offsets: [UInt64], isCut: Bool = false) -> HistoryPage {
            let publications = offsets.map {
                Publication(
                    channel: channel, payload: Payload(text: "p"), position: StreamPosition(offset: $0, epoch: "e"))
            }
            return HistoryPage(
                publications: publications, position: StreamPosition(offset: 8, epoch: "e"), isCut: isCut)
        }
        let place = StreamPosition(offset: 4, epoch: "e")
        let found = [
            page([5, 6, 8]), page([5, 6, 7]), page([5, 6, 7], isCut: true), page([5, 6, 7, 8]), page([], isCut: true),
        ]
        .map { $0.publications(after: place)?.count }
        #expect(found == [nil, nil, 3, 4, nil])
    }

    @Test("an array of two thousand million elements is no reply, and takes no memory")
    func hugeArray() throws {
        #expect(throws: RedisLinkError.self) { try answers("*2147483647\r\n") { _ in } }
        #expect(throws: RedisLinkError.self) {
            try answers("*1\r\n*\(RedisBounds.replyElements + 1)\r\n") { _ in }
        }
        let counts = try answers("*70000\r\n" + String(repeating: ":1\r\n", count: 70_000), \.count)
        #expect(counts == [70_000])
    }

    @Test("more ranges than slots are no map of a cluster")
    func hugeMap() {
        let range = RedisValue.array([.integer(0), .integer(0), .array([.text("m"), .integer(1)])])
        let ranges = [RedisValue](repeating: range, count: HashSlot.count + 1)
        let asked = RedisEndpoint(host: "h", port: 1)
        #expect(ClusterMap(.array(ranges), asked: asked) == nil)
        #expect(ClusterMap(.array(Array(ranges.dropLast())), asked: asked) != nil)
    }

    @Test("a stream at the end of all offsets goes on as far as it goes")
    func endOfRange() throws {
        let channel = try ChannelName("c")
        func publication(_ offset: UInt64) -> Publication {
            Publication(
                channel: channel, payload: Payload(text: "p"), position: StreamPosition(offset: offset, epoch: "e"))
        }
        let end = StreamPosition(offset: .max, epoch: "e")
        var tracker = StreamTracker(position: end)
        let verdicts = [UInt64.max, 0, .max - 1].map { offset in
            tracker.take(publication(offset), at: StreamPosition(offset: offset, epoch: "e"))
        }
        #expect(verdicts == [.drop, .drop, .drop])
        tracker.reads(1)
        #expect(tracker.take(publication(.max), at: end) == .hold)
        let outcome = tracker.take(HistoryPage(publications: [], position: end))
        #expect(outcome.publications.isEmpty && !outcome.readsOn)
        #expect(!HistoryPage(publications: [], position: end).follows(0, .max))
    }
}
