import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore

@Suite("Hub shard: several subscriptions of a client to a channel")
struct HubSubscriptionTests {
    private let formats = FormatTable()

    @Test("each gets every publication, all of them in one write, and each ends by its own name")
    func names() throws {
        let bench = HubBench()
        let (client, other) = (bench.client(), bench.client())
        let channel = try ChannelName("a")
        for request: UInt32 in [1, 2, 3] { bench.subscribe(client, "a", request: request) }
        bench.subscribe(other, "a", request: 1)
        #expect(client.answers == ["+a#1", "+a#2", "+a#3"] && bench.shard.subscribers(of: channel) == 4)
        try bench.publish("a", "x")
        bench.flush()
        for member in [client, other] { member.endTick() }
        #expect(client.received == ["x", "x", "x"] && client.writes == 1)
        #expect(other.received == ["x"] && other.writes == 1)
        #expect(bench.shard.unsubscribe(client, from: channel, request: 2))
        #expect(!bench.shard.unsubscribe(client, from: channel, request: 2))
        #expect(client.membership.contains(channel, request: 3) && !client.membership.contains(channel, request: 2))
        try bench.publish("a", "y")
        bench.flush()
        for member in [client, other] { member.endTick() }
        #expect(client.received == ["x", "x", "x", "y", "y"] && other.received == ["x", "y"])
        #expect(bench.shard.unsubscribe(client, from: channel), "the rest of them")
        #expect(bench.shard.subscribers(of: channel) == 1 && client.membership.count == 0)
        #expect(bench.metrics.counters.value(.subscriptions) == 1)
        try bench.publish("a", "z")
        bench.flush()
        #expect(client.received.count == 5 && other.received == ["x", "y", "z"], "that one goes the direct way again")
    }

    @Test("each may have a format of its own, in one channel or in several")
    func ownFormats() throws {
        let bench = HubBench()
        let client = bench.client(format: .rawWebSocket)
        bench.subscribe(client, "a", request: 1)
        bench.subscribe(client, "a", request: 2, format: .centrifugeJSONWebSocket)
        bench.subscribe(client, "b", request: 1, format: .centrifugeJSONWebSocket)
        try bench.publish("a", "1", formats)
        try bench.publish("b", "2", formats)
        bench.flush()
        client.endTick()
        let json = { (channel: String, data: String) in
            "{\"push\":{\"channel\":\"\(channel)\",\"pub\":{\"data\":\(data)}}}"
        }
        #expect(client.frames == ["1", json("a", "1"), json("b", "2")] && client.writes == 1)
        bench.shard.unsubscribe(client, from: try ChannelName("a"), request: 1)
        try bench.publish("a", "3", formats)
        bench.flush()
        #expect(client.frames.last == json("a", "3") && client.frames.count == 4)
    }

    @Test("a name that comes again before the first answer is answered once, for the later subscription")
    func again() throws {
        let bench = HubBench(answersAtOnce: false)
        let (client, other) = (bench.client(), bench.client())
        let channel = try ChannelName("a")
        bench.subscribe(other, "a", request: 9)
        bench.subscribe(client, "a", request: 5)
        bench.shard.unsubscribe(client, from: channel, request: 5)
        bench.subscribe(client, "a", request: 5, format: .centrifugeJSONWebSocket)
        bench.answerAll()
        #expect(client.answers == ["+a#5"] && other.answers == ["+a#9"])
        #expect(bench.shard.subscribers(of: channel) == 2)
        try bench.publish("a", "1", formats)
        bench.flush()
        #expect(client.frames.count == 1 && client.frames.first?.first == "{", "\(client.frames)")
    }

    @Test("a client is in a channel once, and gone from it with its last subscription, in force or not")
    func presence() throws {
        let bench = HubBench(answersAtOnce: false)
        var ended: [String] = []
        bench.shard.onEnd = { _, channel in ended.append(channel.string) }
        let client = bench.client()
        let (a, b) = (try ChannelName("a"), try ChannelName("b"))
        for request: UInt32 in [1, 2, 3] { bench.subscribe(client, "a", request: request) }
        bench.answerAll()
        for request: UInt32 in [1, 2] { bench.subscribe(client, "b", request: request) }
        bench.shard.unsubscribe(client, from: a, request: 2)
        bench.shard.unsubscribe(client, from: b, request: 1)
        #expect(ended.isEmpty)
        let refused = bench.broker.takeOpen()
        for (channel, ticket) in refused { bench.shard.subscribeFailed(channel, ticket: ticket, .unavailable) }
        #expect(ended == ["b"] && client.answers.last == "!b#2")
        bench.shard.unsubscribe(client, from: a, request: 1)
        #expect(ended == ["b"])
        bench.shard.leave(client)
        #expect(ended == ["b", "a"])
    }

    @Test("when the history does not hold what was missed, each is told by its name")
    func insufficient() throws {
        let bench = HubBench(answersAtOnce: false)
        let (client, other) = (bench.client(), bench.client())
        let channel = try ChannelName("a")
        for request: UInt32 in [1, 2] { bench.subscribe(client, "a", request: request) }
        bench.subscribe(other, "a", request: 7)
        let start = StreamPosition(offset: 3, epoch: "e")
        for (name, ticket) in bench.broker.takeOpen() {
            bench.shard.subscribed(name, ticket: ticket, position: start)
        }
        bench.shard.insufficient(channel, position: StreamPosition(offset: 9, epoch: "e"))
        #expect(Set(client.answers.suffix(2)) == ["-a#1", "-a#2"] && other.answers.last == "-a#7")
        #expect(bench.shard.channelCount == 0)
    }

    @Test("a client's place in a channel takes sixteen bytes, whatever its format")
    func size() {
        #expect(MemoryLayout<HubMembership<TestMember>.Place>.stride == 16)
        #expect(MemoryLayout<ChannelSlot<TestMember>.Entry>.stride == 16)
    }
}
