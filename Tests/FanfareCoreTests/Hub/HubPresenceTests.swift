import FanfareProtocols
import FanfareTestKit
import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore

@Suite("Hub shard: joins and leaves")
struct HubPresenceTests {
    private func event(_ kind: PresenceEvent.Kind, _ client: String, _ channel: String) throws -> PreparedPresenceEvent
    {
        PreparedPresenceEvent(
            PresenceEvent(channel: try ChannelName(channel), kind: kind, info: ClientInfo(client: ExactText(client))),
            formats: FormatTable())
    }

    /// A lane that takes everything and keeps it as text.
    private func lane() -> TestLane { TestLane(room: .max / 2) }

    @Test("they reach Centrifuge clients in their channel, in order with publications, in one write, and no raw client")
    func delivery() throws {
        let bench = HubBench()
        let (raw, centrifuge, other) = (
            bench.client(format: .rawWebSocket), bench.client(format: .centrifugeJSONWebSocket),
            bench.client(format: .centrifugeJSONWebSocket)
        )
        bench.subscribe(raw, "a")
        bench.subscribe(centrifuge, "a")
        bench.subscribe(other, "b")
        let (rawLane, centrifugeLane, otherLane) = (lane(), lane(), lane())
        bench.shard.setLane(raw, rawLane)
        bench.shard.setLane(centrifuge, centrifugeLane)
        bench.shard.setLane(other, otherLane)
        bench.shard.announce(try event(.join, "1", "a"))
        try bench.publish("a", "x")
        bench.shard.announce(try event(.leave, "1", "a"))
        bench.shard.announce(try event(.join, "2", "nobody"))
        bench.flush()
        let heard = String(decoding: centrifugeLane.taken, as: UTF8.self)
        let marks = ["\"join\"", "\"pub\"", "\"leave\""].compactMap { heard.ranges(of: $0).first?.lowerBound }
        #expect(marks.count == 3 && marks == marks.sorted(), "\(heard)")
        let single = String(decoding: rawLane.taken, as: UTF8.self)
        #expect(single.contains("x") && !single.contains("join"))
        #expect(otherLane.taken.isEmpty)
        #expect(bench.metrics.counters.value(.deliveries) == 2, "joins are no deliveries")
        bench.flush()
        #expect(String(decoding: centrifugeLane.taken, as: UTF8.self) == heard)
    }

    @Test("a frame that event loops share is not changed by what is written behind it")
    func shared() throws {
        let (one, other) = (HubBench(), HubBench())
        let event = try event(.join, "1", "a")
        let before = event.frame(.centrifugeJSONWebSocket)
        for bench in [one, other] {
            let client = bench.client(format: .centrifugeJSONWebSocket)
            bench.subscribe(client, "a")
            bench.shard.announce(event)
            bench.shard.announce(event)
            try bench.publish("a", "x")
            bench.flush()
        }
        #expect(event.frame(.centrifugeJSONWebSocket) == before)
    }

    @Test("the end of each subscription is told, whatever ends it")
    func end() throws {
        let bench = HubBench()
        var ended: [String] = []
        bench.shard.onEnd = { _, channel in ended.append(channel.string) }
        let client = bench.client()
        for channel in ["a", "b", "c"] { bench.subscribe(client, channel) }
        bench.shard.unsubscribe(client, from: try ChannelName("b"))
        #expect(ended == ["b"])
        bench.shard.leave(client)
        #expect(Set(ended) == ["a", "b", "c"] && ended.count == 3)
    }
}
