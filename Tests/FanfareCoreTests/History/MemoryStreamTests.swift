import FanfareProtocols
import FanfareTestKit
import FanfareWire
import Synchronization
import Testing

@testable import FanfareCore

@Suite("Memory broker: streams")
struct MemoryStreamTests {
    private final class Time: Sendable {
        let now = Atomic<UInt64>(1)
    }

    private final class Bench: Sendable {
        let time = Time()
        let metrics = BrokerMetrics()
        let broker: MemoryBroker
        let mailbox = Mailbox<BrokerEvent>(wake: {})

        init() {
            var kept = ChannelRules()
            kept.history = .init(size: 10, age: .seconds(60))
            let clock = NodeClock(
                wallMicroseconds: { 1 }, monotonicMicroseconds: { [time] in time.now.load(ordering: .relaxed) })
            broker = MemoryBroker(
                rules: ChannelRulebook(plain: kept), formats: FormatTable(), metrics: metrics, clock: clock)
            broker.start(receivers: [mailbox])
        }

        func publish(_ channel: String) throws -> Result<PublishReceipt, BrokerError> {
            let result = Mutex<Result<PublishReceipt, BrokerError>>(.failure(.unavailable))
            broker.publish(Publication(channel: try ChannelName(channel), payload: Payload(text: "x"))) { answer in
                result.withLock { $0 = answer }
            }
            return result.withLock(\.self)
        }

        func position(_ channel: String) throws -> StreamPosition? {
            broker.subscribe(try ChannelName(channel), receiver: 0, ticket: 1)
            guard case .subscribed(_, _, let position)? = mailbox.take().last else { return nil }
            broker.unsubscribe(try ChannelName(channel), receiver: 0)
            return position
        }
    }

    @Test("more subscribes and reads of empty channels than there may be streams keep nobody from publishing")
    func readers() throws {
        let bench = Bench()
        for number in 0...MemoryBroker.maximumStreams {
            let channel = try ChannelName("c\(number)")
            bench.broker.subscribe(channel, receiver: 0, ticket: 1)
            bench.broker.unsubscribe(channel, receiver: 0)
            if number % 7 == 0 { bench.broker.history(channel, .position) { _ in } }
        }
        #expect(bench.broker.state.withLock(\.streams.count) == 0)
        #expect(throws: Never.self) { try bench.publish("new").get() }
    }

    @Test("a stream that aged out and begins anew has another epoch, told before its first publication")
    func anew() throws {
        let bench = Bench()
        let before = try bench.position("a")
        let first = try bench.publish("a").get().position
        #expect(before?.offset == 0 && first == before.map { StreamPosition(offset: 1, epoch: $0.epoch) })
        bench.time.now.add(86_400_000_001 + 60_000_000, ordering: .relaxed)
        for _ in 0..<1_100 { _ = try bench.publish("b") }
        let after = try bench.position("a")
        #expect(after?.offset == 0 && after?.epoch != before?.epoch)
        let second = try bench.publish("a").get().position
        #expect(second == after.map { StreamPosition(offset: 1, epoch: $0.epoch) })
        #expect(try bench.position("unused")?.epoch == before?.epoch)
    }

    @Test("ended streams are remembered up to a bound, and beyond it no epoch comes again")
    func bound() throws {
        var epochs = StreamEpochs()
        let channel = try ChannelName("a")
        var seen: Set<String> = [epochs.next(channel)]
        for _ in 0..<3 {
            epochs.end(channel)
            let isNew = seen.insert(epochs.next(channel)).inserted
            #expect(isNew)
        }
        for number in 0...StreamEpochs.maximumEnded { epochs.end(try ChannelName("c\(number)")) }
        let isNew = seen.insert(epochs.next(channel)).inserted
        #expect(isNew)
    }
}
