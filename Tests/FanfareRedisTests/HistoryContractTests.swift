import FanfareCore
import FanfareTestKit
import FanfareWire
import Testing

@testable import FanfareRedis

/// What `Broker.swift` says about history, held by all brokers.
@Suite("History contract")
struct HistoryContractTests {
    typealias Kind = BrokerContractTests.Kind

    static let rules = ChannelRulebook(
        namespaces: [
            "h": Self.keeping(10), "short": Self.keeping(10, age: .seconds(1)), "plain": ChannelRules(),
            "long": Self.keeping(1_000),
        ])

    private static func keeping(_ size: Int, age: Duration = .seconds(60)) -> ChannelRules {
        var rules = ChannelRules()
        rules.history = .init(size: size, age: age)
        return rules
    }

    private func with(_ kind: Kind, _ body: (BrokerProbe) async throws -> Void) async throws {
        try await kind.with(rules: Self.rules, body)
    }

    @Test("publications get their places, and a subscriber knows where it begins", arguments: Kind.allCases)
    func places(kind: Kind) async throws {
        try await with(kind) { probe in
            let first = try await probe.publish("h:a", "1").get()
            #expect(first.position?.offset == 1)
            try await probe.subscribe("h:a")
            let second = try await probe.publish("h:a", "2").get()
            try await eventually("it arrives") { probe.texts() == ["2"] }
            #expect(probe.positions() == [2])
            #expect(probe.start(of: "h:a") == first.position)
            #expect(second.position?.epoch == first.position?.epoch)
            let other = try await probe.publish("plain:a", "x").get()
            #expect(other.position == nil)
        }
    }

    @Test("a page holds what is after a place, before it, or the newest", arguments: Kind.allCases)
    func pages(kind: Kind) async throws {
        try await with(kind) { probe in
            for number in 1...5 { try await probe.publish("h:a", "\(number)") }
            let all = try await probe.history("h:a", HistoryQuery(limit: 100))
            #expect(all.texts == ["1", "2", "3", "4", "5"])
            #expect(!all.isCut)
            let epoch = all.position.epoch
            #expect(all.position == StreamPosition(offset: 5, epoch: epoch))
            let place = StreamPosition(offset: 3, epoch: epoch)
            let after = try await probe.history("h:a", HistoryQuery(since: place, limit: 1))
            #expect(after.texts == ["4"])
            #expect(after.isCut)
            #expect(after.publications(after: place)?.count == 1)
            let before = try await probe.history("h:a", HistoryQuery(since: place, limit: 9, reverse: true))
            #expect(before.texts == ["2", "1"])
            let newest = try await probe.history("h:a", HistoryQuery(limit: 2, reverse: true))
            #expect(newest.texts == ["5", "4"])
            let position = try await probe.history("h:a", .position)
            #expect(position.texts.isEmpty)
            #expect(position.position == all.position)
            #expect(position.publications(after: all.position) == [])
        }
    }

    @Test("binary and text come back as they were", arguments: Kind.allCases)
    func kinds(kind: Kind) async throws {
        try await with(kind) { probe in
            let payloads = [Payload(text: "é\n"), Payload(kind: .binary, bytes: .init(bytes: [0, 255, 13, 10]))]
            for payload in payloads {
                let publication = Publication(channel: try ChannelName("h:a"), payload: payload, publishedAt: 77)
                probe.broker.publish(publication) { _ in }
            }
            try await eventually("both are kept") {
                try await probe.history("h:a", HistoryQuery(limit: 9)).publications.map(\.payload) == payloads
            }
            let kept = try await probe.history("h:a", HistoryQuery(limit: 9)).publications
            #expect(kept.map(\.publishedAt) == [77, 77])
        }
    }

    @Test("only the newest are kept, and who misses more is told", arguments: Kind.allCases)
    func size(kind: Kind) async throws {
        try await with(kind) { probe in
            for number in 1...15 { try await probe.publish("h:a", "\(number)") }
            let page = try await probe.history("h:a", HistoryQuery(limit: 100))
            #expect(page.texts == (6...15).map { "\($0)" })
            let epoch = page.position.epoch
            let known = StreamPosition(offset: 5, epoch: epoch)
            let missed = StreamPosition(offset: 4, epoch: epoch)
            let (some, none) = (page.publications(after: known), page.publications(after: missed))
            #expect(some?.count == 10)
            #expect(none == nil)
            let future = page.publications(after: StreamPosition(offset: 16, epoch: epoch))
            let foreign = page.publications(after: StreamPosition(offset: 15, epoch: "other"))
            #expect(future == nil)
            #expect(foreign == nil)
        }
    }

    @Test("what is too old is gone, its offsets are not", arguments: Kind.allCases)
    func age(kind: Kind) async throws {
        try await with(kind) { probe in
            let first = try await probe.publish("short:a", "1").get()
            try await eventually("it is gone") {
                try await probe.history("short:a", HistoryQuery(limit: 9)).texts.isEmpty
            }
            let second = try await probe.publish("short:a", "2").get()
            #expect(second.position == first.position.map { StreamPosition(offset: 2, epoch: $0.epoch) })
        }
    }

    @Test("a key makes a publish happen once, in channels with history and without", arguments: Kind.allCases)
    func idempotency(kind: Kind) async throws {
        try await with(kind) { probe in
            for channel in ["h:a", "plain:a"] {
                try await probe.subscribe(channel)
                let first = try await probe.publish(channel, "1", key: "k").get()
                let second = try await probe.publish(channel, "1", key: "k").get()
                let third = try await probe.publish(channel, "2", key: "l").get()
                #expect(!first.isDuplicate)
                #expect(second == PublishReceipt(position: first.position, isDuplicate: true))
                #expect(!third.isDuplicate)
            }
            try await eventually("four arrive") { probe.texts().count == 4 }
            #expect(probe.texts() == ["1", "2", "1", "2"])
            #expect(probe.metrics.counters.value(.duplicates) == 2)
        }
    }

    @Test("a long page is whole, in order and within its bytes, from either end", arguments: Kind.allCases)
    func longPages(kind: Kind) async throws {
        try await with(kind) { probe in
            let text = String(repeating: "x", count: 900)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask { for _ in 0..<60 { _ = try await probe.publish("long:a", text).get() } }
                }
                try await group.waitForAll()
            }
            let all = try await probe.history("long:a", HistoryQuery(limit: 1_000))
            #expect(all.publications.compactMap(\.position?.offset) == Array(1...480))
            #expect(!all.isCut && all.position.offset == 480)
            let newest = try await probe.history("long:a", HistoryQuery(limit: 450, reverse: true))
            #expect(newest.publications.compactMap(\.position?.offset) == (31...480).reversed())
            #expect(newest.isCut)
            let place = StreamPosition(offset: 20, epoch: all.position.epoch)
            let bounded = try await probe.history(
                "long:a", HistoryQuery(since: place, limit: 1_000, maxBytes: 300_000))
            #expect(bounded.publications.compactMap(\.position?.offset) == Array(21...354))
            #expect(bounded.isCut && bounded.publications(after: place)?.count == 334)
            let one = try await probe.history("long:a", HistoryQuery(since: place, limit: 9, maxBytes: 1))
            #expect(one.publications.count == 1 && one.isCut)
        }
    }

    @Test("a channel without history has none to read or remove", arguments: Kind.allCases)
    func none(kind: Kind) async throws {
        try await with(kind) { probe in
            await #expect(throws: BrokerError.noHistory) {
                _ = try await probe.history("plain:a", HistoryQuery(limit: 1))
            }
        }
    }

    @Test("removed history is gone, and the position stays", arguments: Kind.allCases)
    func removal(kind: Kind) async throws {
        try await with(kind) { probe in
            let last = try await probe.publish("h:a", "1").get()
            let channel = try ChannelName("h:a")
            let result = await withCheckedContinuation { continuation in
                probe.broker.removeHistory(channel) { continuation.resume(returning: $0) }
            }
            #expect(throws: Never.self) { try result.get() }
            let page = try await probe.history("h:a", HistoryQuery(limit: 9))
            #expect(page.texts.isEmpty)
            #expect(page.position == last.position)
        }
    }
}

extension HistoryPage {
    /// The payloads as text.
    var texts: [String] { publications.map { String(buffer: $0.payload.bytes) } }
}
