import FanfareProtocols
import FanfareWire
import Synchronization
import Testing

@testable import FanfareCore

@Suite("Memory broker: an event loop that does not keep up")
struct MemoryBacklogTests {
    private let mailboxes = (0..<2).map { _ in Mailbox<BrokerEvent>(wake: {}) }
    private let metrics = BrokerMetrics()
    private let broker: MemoryBroker

    init() throws {
        var rules = ChannelRules()
        rules.history = .init(size: 1_000, age: .seconds(60))
        rules.joinLeave = true
        broker = MemoryBroker(
            rules: ChannelRulebook(namespaces: ["h": rules]), formats: FormatTable(), metrics: metrics,
            maxBacklogBytes: 20_000)
        broker.start(receivers: mailboxes)
        for name in ["a", "h:a"] { broker.subscribe(try ChannelName(name), receiver: 0, ticket: 1) }
        broker.subscribe(try ChannelName("other"), receiver: 1, ticket: 1)
        for mailbox in mailboxes { _ = mailbox.take() }
    }

    private func publish(_ name: String, _ text: String = String(repeating: "x", count: 1_000)) throws -> BrokerError? {
        let outcome = Outcome()
        broker.publish(
            Publication(channel: try ChannelName(name), payload: Payload(text: text)), completion: { outcome.note($0) })
        return outcome.failure
    }

    @Test("publishers are refused while its mailbox is full, nobody loses anything, and others are not concerned")
    func refused() throws {
        var (taken, refused) = (0, 0)
        for number in 0..<100 {
            if try publish(number.isMultiple(of: 2) ? "a" : "h:a") == nil { taken += 1 } else { refused += 1 }
        }
        #expect(taken > 0 && refused > 0)
        #expect(try publish("a") == .overloaded)
        #expect(try publish("other") == nil && publish("nobody-listens") == nil)
        var offset: UInt64 = 0
        let events = mailboxes[0].take()
        for case .publication(let prepared) in events {
            guard let position = prepared.publication.position else { continue }
            offset += 1
            #expect(position.offset == offset, "what was refused has no place in the stream")
        }
        #expect(events.count == taken && events.reduce(0) { $0 + $1.weight } <= 20_000)
        #expect(metrics.counters.value(.dropped) == 0)
        #expect(try publish("a") == nil, "the loop has looked")
    }
}

private final class Outcome: Sendable {
    private let state = Mutex<BrokerError?>(nil)
    var failure: BrokerError? { state.withLock(\.self) }

    func note(_ result: Result<PublishReceipt, BrokerError>) {
        if case .failure(let error) = result { state.withLock { $0 = error } }
    }
}
