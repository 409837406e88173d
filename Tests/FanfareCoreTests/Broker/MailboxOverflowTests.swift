import FanfareProtocols
import FanfareTestKit
import FanfareWire
import Testing

@testable import FanfareCore

@Suite("Mailbox: a burst that does not fit")
struct MailboxOverflowTests {
    private let metrics = BrokerMetrics()
    private let mailbox = Mailbox<BrokerEvent>(wake: {})

    private func publication(_ name: String, _ offset: UInt64? = nil, bytes: Int = 1_000) throws -> BrokerEvent {
        let publication = Publication(
            channel: try ChannelName(name), payload: Payload(text: String(repeating: "x", count: bytes)),
            position: offset.map { StreamPosition(offset: $0, epoch: "e") })
        return .publication(PreparedPublication(publication, formats: FormatTable(), receivedAt: 0))
    }

    private func fill() throws {
        mailbox.post([try publication("full", bytes: 10_000)], limit: 10_000, metrics: metrics)
        _ = mailbox.take()
        mailbox.post([try publication("full", bytes: 10_000)], limit: 10_000, metrics: metrics)
    }

    /// What is in the mailbox behind the publication that fills it, in words.
    private func rest() -> [String] {
        mailbox.take().dropFirst().map { event in
            switch event {
            case .publication(let prepared): "\(prepared.publication.channel)"
            case .subscribed(let channel, let ticket, _): "+\(channel)#\(ticket)"
            case .subscribeFailed(let channel, let ticket, _): "!\(channel)#\(ticket)"
            case .insufficient(let channel, let position): "?\(channel)@\(position.offset)"
            case .history(let channel, let read, _): "h\(channel)#\(read)"
            case .presence: "presence"
            case .returned: "returned"
            }
        }
    }

    @Test("publications are dropped and counted, answers are not, and a channel with history is told where it goes on")
    func drop() throws {
        try fill()
        let b = try ChannelName("b")
        mailbox.post(
            [
                try publication("a", 7), .subscribed(b, ticket: 1, position: nil), try publication("a", 8),
                try publication("plain"), .subscribeFailed(b, ticket: 2, .unavailable), .returned,
            ], limit: 10_000, metrics: metrics)
        #expect(rest() == ["+b#1", "!b#2", "returned", "?a@8"])
        #expect(metrics.counters.value(.dropped) == 3)
        #expect(metrics.counters.value(.insufficient) == 1)
    }

    @Test("nobody is sent back to what was dropped before a later position")
    func order() throws {
        try fill()
        let (a, b) = (try ChannelName("a"), try ChannelName("b"))
        mailbox.post(
            [
                try publication("a", 5), .insufficient(a, position: StreamPosition(offset: 40, epoch: "e")),
                try publication("b", 6), .subscribed(b, ticket: 2, position: StreamPosition(offset: 9, epoch: "e")),
            ], limit: 10_000, metrics: metrics)
        #expect(rest() == ["?a@40", "+b#2"])
    }

    @Test("whatever comes, a receiver of a channel with history knows where it is", arguments: 0..<100)
    func model(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        var (offset, heard): (UInt64, UInt64) = (0, 0)
        for _ in 0..<200 {
            var burst: [BrokerEvent] = []
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                offset += 1
                burst.append(try publication("a", offset, bytes: Int.random(in: 0...3_000, using: &random)))
            }
            mailbox.post(burst, limit: 8_000, metrics: metrics)
            guard Int.random(in: 0..<4, using: &random) == 0 else { continue }
            for event in mailbox.take() {
                switch event {
                case .publication(let prepared):
                    heard += 1
                    #expect(prepared.publication.position?.offset == heard)
                case .insufficient(_, let position):
                    #expect(position.offset > heard)
                    heard = position.offset
                default: Issue.record("an event that nobody posted")
                }
            }
            #expect(heard == offset)
        }
    }
}
