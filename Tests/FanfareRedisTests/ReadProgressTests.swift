import FanfareCore
import FanfareTestKit
import FanfareWire
import Testing

@testable import FanfareRedis

/// Whatever a Redis answers: a read gets on, or is the last.
@Suite("Reads of streams get on")
struct ReadProgressTests {
    @Test("without news every read has something new for its receivers, or no other follows", arguments: 0..<4)
    func progress(part: Int) throws {
        let channel = try ChannelName("c")
        for seed in part * 2_000..<(part + 1) * 2_000 {
            var random = SeededRandom(seed: UInt64(seed))
            var tracker = StreamTracker(position: Self.place(&random))
            // Live traffic that waits may make one more read necessary.
            tracker.reads(1)
            var spare = Int.random(in: 0..<3, using: &random)
            for _ in 0..<spare {
                let place = Self.place(&random)
                _ = tracker.take(
                    Publication(channel: channel, payload: Payload(text: "p"), position: place), at: place)
            }
            for _ in 0..<200 {
                let before = try #require(tracker.position)
                let outcome = tracker.take(Self.page(channel, &random))
                guard outcome.readsOn else { break }
                let after = try #require(tracker.position)
                if after.epoch == before.epoch, after.offset <= before.offset || outcome.publications.isEmpty {
                    spare -= 1
                }
                if spare < 0 {
                    Issue.record("seed \(seed): \(before) → \(after), and another read")
                    return
                }
                tracker.reads(1)
            }
        }
    }

    /// Anything, in any order.
    private static func page(_ channel: ChannelName, _ random: inout SeededRandom) -> HistoryPage {
        let publications = (0..<Int.random(in: 0..<4, using: &random)).map { _ in
            Publication(channel: channel, payload: Payload(text: "p"), position: place(&random))
        }
        return HistoryPage(
            publications: publications, position: place(&random),
            leaps: Bool.random(using: &random) ? [] : [.init(last: place(&random).offset, next: place(&random).offset)],
            isCut: Bool.random(using: &random))
    }

    private static func place(_ random: inout SeededRandom) -> StreamPosition {
        let offset = Bool.random(using: &random) ? UInt64.random(in: 0..<6, using: &random) : .max
        return StreamPosition(offset: offset, epoch: Int.random(in: 0..<4, using: &random) > 0 ? "a" : "b")
    }
}
