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
}
