import FanfareProtocols
import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore

@Suite("Hub shard: streams")
struct HubStreamTests {
    private let bench = HubBench(answersAtOnce: false)

    private func subscribed(at offset: UInt64) throws -> TestMember {
        let client = bench.client()
        bench.subscribe(client, "a")
        for (channel, ticket) in bench.broker.takeOpen() {
            bench.shard.subscribed(channel, ticket: ticket, position: StreamPosition(offset: offset, epoch: "e"))
        }
        return client
    }

    private func publish(_ offset: UInt64, epoch: String = "e", follows: UInt64? = nil) throws {
        var publication = Publication(
            channel: try ChannelName("a"), payload: Payload(text: "\(offset)\n"),
            position: StreamPosition(offset: offset, epoch: epoch))
        publication.follows = follows
        bench.shard.publish(PreparedPublication(publication, formats: FormatTable(), receivedAt: 0))
    }

    @Test("a publication that is not the next tells the channel's clients, who keep what came before it")
    func gap() throws {
        let client = try subscribed(at: 3)
        try publish(4)
        try publish(6)
        bench.flush()
        #expect(client.received == ["4"])
        #expect(client.answers == ["+a#0", "-a#0"])
        #expect(bench.metrics.counters.value(.streamBreaks) == 1)
    }

    @Test("a publication of another stream tells them, too")
    func otherEpoch() throws {
        let client = try subscribed(at: 3)
        try publish(1, epoch: "f")
        bench.flush()
        #expect(client.received.isEmpty && client.answers == ["+a#0", "-a#0"])
    }

    @Test("what comes a second time is dropped")
    func twice() throws {
        let client = try subscribed(at: 3)
        for offset: UInt64 in [4, 4, 2, 5] { try publish(offset) }
        bench.flush()
        #expect(client.received == ["4", "5"] && client.answers == ["+a#0"])
    }

    @Test("where the stream leapt the next is far away")
    func leap() throws {
        let client = try subscribed(at: 3)
        try publish(1_048_580, follows: 3)
        try publish(1_048_581)
        bench.flush()
        #expect(client.received == ["1048580", "1048581"] && client.answers == ["+a#0"])
    }

    @Test("who comes from another stream begins anew where the broker has this one, and later where it has not")
    func fromAnotherStream() throws {
        let here = StreamPosition(offset: 3, epoch: "e")
        for (place, starts) in [
            (here, [SubscriptionStart(position: here, isComplete: false)]), (.init(offset: 0, epoch: "f"), []),
        ] {
            let bench = HubBench(answersAtOnce: false)
            let client = bench.client()
            let channel = try ChannelName("a")
            bench.shard.subscribe(
                client, to: channel, request: 0, wish: .since(StreamPosition(offset: 9, epoch: "f")), selection: nil)
            for (name, ticket) in bench.broker.takeOpen() {
                bench.shard.subscribed(name, ticket: ticket, position: here)
            }
            #expect(client.answers.isEmpty, "what this loop heard last may be of a stream that is over")
            bench.shard.history(channel, read: 1, .success(HistoryPage(publications: [], position: place)))
            #expect(client.starts == starts)
            #expect(client.answers.count == 1)
        }
    }

    @Test("who comes from the stream that begins here meanwhile gets what it missed of it")
    func fromTheNextStream() throws {
        let client = bench.client()
        let channel = try ChannelName("a")
        bench.shard.subscribe(
            client, to: channel, request: 0, wish: .since(StreamPosition(offset: 2, epoch: "f")), selection: nil)
        for (name, ticket) in bench.broker.takeOpen() {
            bench.shard.subscribed(name, ticket: ticket, position: StreamPosition(offset: 3, epoch: "e"))
        }
        try publish(3, epoch: "f")
        bench.flush()
        let place = StreamPosition(offset: 3, epoch: "f")
        bench.shard.history(channel, read: 1, .success(HistoryPage(publications: [], position: place)))
        #expect(client.answers.isEmpty)
        let missed = Publication(channel: channel, payload: Payload(text: "3"), position: place)
        bench.shard.history(channel, read: 2, .success(HistoryPage(publications: [missed], position: place)))
        #expect(client.starts == [SubscriptionStart(position: place, publications: [missed])])
    }

    @Test("a read that was shared is too old for who has more from another node")
    func olderThanTheClient() throws {
        let live = StreamPosition(offset: 3, epoch: "e")
        let query = HistoryQuery(since: StreamPosition(offset: 1, epoch: "e"), limit: 100)
        let page = HistoryPage(publications: [], position: live)
        let channel = try ChannelName("a")
        let recent = RecentRead(channel: channel, query: query, page: page, frames: SharedFrames([]))
        for (offset, serves) in [(1, true), (3, true), (4, false)] as [(UInt64, Bool)] {
            let asked = HistoryQuery(since: StreamPosition(offset: offset, epoch: "e"), limit: 100)
            #expect(recent.answers(asked, of: channel, at: live) == serves)
        }
    }
}
