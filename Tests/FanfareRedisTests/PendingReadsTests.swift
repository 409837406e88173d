import FanfareCore
import FanfareTestKit
import FanfareWire
import Synchronization
import Testing

@testable import FanfareRedis

/// Reads that wait for Redis have bounds, beyond which they are refused at once.
@Suite("Pending reads")
struct PendingReadsTests {
    /// Answers as they come.
    private final class Answers: Sendable {
        private let state = Mutex<[Result<HistoryPage, BrokerError>]>([])

        var all: [Result<HistoryPage, BrokerError>] { state.withLock(\.self) }
        var refused: Int {
            all.count { if case .failure(.overloaded) = $0 { true } else { false } }
        }

        func ask(_ probe: BrokerProbe, _ query: HistoryQuery) throws {
            probe.broker.history(try ChannelName("h:a"), query) { result in self.state.withLock { $0.append(result) } }
        }
    }

    /// Freezes Redis, asks for so many that the last is too much, and asks again when Redis is back.
    private func overload(
        _ query: HistoryQuery, fits count: Int, change: @escaping (inout RedisConfiguration) -> Void
    ) async throws {
        try await withRedis { redis in
            let probe = try BrokerProbe.redis(redis.url, rules: HistoryContractTests.rules) {
                $0.commandTimeout = .seconds(300)
                $0.probeInterval = .seconds(100)
                $0.readPatience = .seconds(300)
                change(&$0)
            }
            try await withProbe(probe) { probe in
                try await probe.isUp()
                try await probe.publish("h:a", "1")
                redis.freeze()
                let answers = Answers()
                for _ in 0..<count { try answers.ask(probe, query) }
                #expect(answers.all.isEmpty)
                for _ in 0..<3 { try answers.ask(probe, query) }
                #expect(answers.refused == 3 && answers.all.count == 3, "at once, while Redis says nothing")
                redis.thaw()
                try await eventually("those that waited are answered") { answers.all.count == count + 3 }
                #expect(answers.refused == 3)
                // Nothing is counted any more.
                redis.freeze()
                let again = Answers()
                for _ in 0..<count { try again.ask(probe, query) }
                #expect(again.all.isEmpty)
                redis.thaw()
                try await eventually("these, too") { again.all.count == count }
                #expect(again.refused == 0)
            }
        }
    }

    @Test("more reads than may wait are refused at once, and those that wait are answered")
    func count() async throws {
        try await overload(HistoryQuery(limit: 1), fits: 4_096) { _ in }
    }

    @Test("more bytes of reads than may wait are refused at once")
    func bytes() async throws {
        let query = HistoryQuery(limit: 1_000)
        let cost = SlicedRead(query).cost
        try await overload(query, fits: 10) { $0.maxPendingReadBytes = 10 * cost + cost / 2 }
    }
}
