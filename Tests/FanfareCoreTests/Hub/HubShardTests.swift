import FanfareProtocols
import FanfareTestKit
import FanfareWire
import NIOCore
import Synchronization
import Testing

@testable import FanfareCore

@Suite("Hub shard")
struct HubShardTests {
    @Test("a subscriber hears of its channel and of no other")
    func delivery() throws {
        let bench = HubBench()
        let client = bench.client()
        bench.subscribe(client, "a")
        try bench.publish("a", "1")
        try bench.publish("b", "2")
        bench.flush()
        #expect(client.received == ["1"])
        #expect(bench.broker.wanted == ["a"])
    }

    @Test("publications of one turn reach a client in one write, also from several channels")
    func coalescing() throws {
        let bench = HubBench()
        let client = bench.client()
        bench.subscribe(client, "a")
        bench.subscribe(client, "b")
        try bench.publish("a", "1")
        try bench.publish("b", "2")
        try bench.publish("a", "3")
        bench.flush()
        client.endTick()
        #expect(client.writes == 1)
        #expect(Set(client.received) == ["1", "2", "3"])
        #expect(bench.metrics.counters.value(.deliveries) == 3)
    }

    @Test("the broker is asked once for the first subscriber and told once after the last")
    func referenceCounting() throws {
        let bench = HubBench()
        let clients = (0..<5).map { _ in bench.client() }
        for client in clients { bench.subscribe(client, "a") }
        #expect(bench.broker.log == ["+a"])
        for client in clients { bench.shard.leave(client) }
        #expect(bench.broker.log == ["+a", "-a"])
        #expect(bench.shard.channelCount == 0)
        #expect(bench.metrics.counters.value(.subscriptions) == 0)
    }

    @Test("who leaves before the broker's answer gets none, and the subscription is withdrawn")
    func leaveWhileWaiting() throws {
        let bench = HubBench(answersAtOnce: false)
        let client = bench.client()
        bench.subscribe(client, "a")
        bench.shard.leave(client)
        #expect(bench.broker.log == ["+a", "-a"])
        bench.answerAll()
        #expect(client.answers.isEmpty)
    }

    @Test("an answer to an earlier subscription does not confirm a later one")
    func staleAnswer() throws {
        let bench = HubBench(answersAtOnce: false)
        let client = bench.client()
        bench.subscribe(client, "a", request: 1)
        bench.shard.unsubscribe(client, from: try ChannelName("a"))
        bench.subscribe(client, "a", request: 2)
        bench.shard.subscribed(try ChannelName("a"), ticket: 1)
        #expect(client.answers.isEmpty)
        bench.shard.subscribed(try ChannelName("a"), ticket: 2)
        #expect(client.answers == ["+a#2"])
    }

    @Test("a refused subscription reaches everyone who waits and leaves nothing behind")
    func refusal() throws {
        let bench = HubBench(answersAtOnce: false)
        let clients = (0..<3).map { _ in bench.client() }
        for client in clients { bench.subscribe(client, "a") }
        bench.shard.subscribeFailed(try ChannelName("a"), ticket: 1, .unavailable)
        #expect(clients.allSatisfy { $0.answers == ["!a#0"] && $0.membership.count == 0 })
        #expect(bench.shard.channelCount == 0)
    }

    @Test("a client that dies while it is written to does not disturb the others")
    func deathDuringFanOut() throws {
        let bench = HubBench()
        let clients = (0..<10).map { _ in bench.client() }
        for client in clients { bench.subscribe(client, "a") }
        for victim in [0, 4, 9] {
            clients[victim].onDeliver = { [unowned shard = bench.shard, unowned client = clients[victim]] in
                shard.leave(client)
            }
        }
        try bench.publish("a", "1")
        bench.flush()
        #expect(clients.allSatisfy { $0.received == ["1"] })
        try bench.publish("a", "2")
        bench.flush()
        for (index, client) in clients.enumerated() {
            #expect(client.received == ([0, 4, 9].contains(index) ? ["1"] : ["1", "2"]))
        }
        #expect(bench.shard.subscribers(of: try ChannelName("a")) == 7)
    }

    @Test("random operations agree with a model", arguments: 0..<300)
    func model(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        let bench = HubBench(answersAtOnce: seed.isMultiple(of: 2))
        let channels = try (0..<6).map { try ChannelName("c\($0)") }
        var clients: [TestMember] = []
        /// What each client is subscribed to, and what it must have received.
        var wanted: [ObjectIdentifier: Set<ChannelName>] = [:]
        var expected: [ObjectIdentifier: [String]] = [:]
        for step in 0..<400 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0, 1:
                let client = bench.client(
                    format: Bool.random(using: &random) ? .rawWebSocket : .centrifugeJSONWebSocket
                )
                clients.append(client)
                wanted[ObjectIdentifier(client)] = []
                expected[ObjectIdentifier(client)] = []
            case 2, 3, 4:
                guard let client = clients.randomElement(using: &random),
                    let channel = channels.randomElement(using: &random)
                else { continue }
                guard wanted[ObjectIdentifier(client)]?.insert(channel).inserted == true else { continue }
                bench.shard.subscribe(client, to: channel, request: UInt32(step))
            case 5:
                guard let client = clients.randomElement(using: &random),
                    let channel = channels.randomElement(using: &random)
                else { continue }
                let had = wanted[ObjectIdentifier(client)]?.remove(channel) != nil
                #expect(bench.shard.unsubscribe(client, from: channel) == had)
            case 6:
                guard !clients.isEmpty else { continue }
                let client = clients.remove(at: Int.random(in: 0..<clients.count, using: &random))
                bench.shard.leave(client)
                #expect(client.received == expected[ObjectIdentifier(client)])
                #expect(client.membership.count == 0)
                // Kept alive: an identifier must not be used again.
                bench.graveyard.append(client)
            default:
                bench.answerAll()
                for _ in 0...Int.random(in: 0..<4, using: &random) {
                    guard let channel = channels.randomElement(using: &random) else { continue }
                    let text = "\(channel)/\(step)"
                    try bench.publish(channel.string, text)
                    for client in clients where wanted[ObjectIdentifier(client)]?.contains(channel) == true {
                        expected[ObjectIdentifier(client)]?.append(text)
                    }
                }
                bench.flush()
                for client in clients {
                    client.endTick()
                    // One order per channel; between channels of one turn there is none.
                    for channel in channels {
                        let mine = { (texts: [String]) in texts.filter { $0.hasPrefix("\(channel)/") } }
                        #expect(mine(client.received) == mine(expected[ObjectIdentifier(client)] ?? []))
                    }
                    expected[ObjectIdentifier(client)] = client.received
                }
            }
        }
        bench.answerAll()
        #expect(
            bench.broker.wanted
                == Set(
                    wanted.filter { id, _ in clients.contains { ObjectIdentifier($0) == id } }
                        .values.joined().map(\.string)
                )
        )
        for client in clients { bench.shard.leave(client) }
        #expect(bench.shard.channelCount == 0)
        #expect(bench.broker.wanted.isEmpty)
    }
}
