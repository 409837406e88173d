import FanfareTestKit
import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore

@Suite("Hub shard: lanes")
struct HubLaneTests {
    private func frames(_ texts: String...) -> [UInt8] {
        texts.flatMap { [0x81, UInt8($0.utf8.count + 1)] + Array("\($0)\n".utf8) }
    }

    @Test("an open lane takes a fan-out past the client, a closed one does not")
    func open() throws {
        let bench = HubBench()
        let (client, lane) = (bench.client(), TestLane(room: 1_000))
        bench.subscribe(client, "a")
        bench.shard.setLane(client, lane)
        try bench.publish("a", "1")
        try bench.publish("a", "2")
        bench.flush()
        #expect(lane.taken == frames("1", "2") && client.received.isEmpty)
        bench.shard.setLane(client, nil)
        try bench.publish("a", "3")
        bench.flush()
        #expect(lane.taken == frames("1", "2") && client.received == ["3"])
        #expect(bench.metrics.counters.value(.deliveries) == 3)
    }

    @Test("what a lane does not take is the client's", arguments: 0...5)
    func partial(room: Int) throws {
        let bench = HubBench()
        let (client, lane) = (bench.client(), TestLane(room: room))
        bench.shard.setLane(client, lane)
        bench.subscribe(client, "a")
        try bench.publish("a", "1")
        bench.flush()
        let rest = client.rests.flatMap { Array($0.readableBytesView) }
        #expect(lane.taken + rest == frames("1") && lane.taken.count == min(room, 4))
    }

    @Test("a client that dies of a broken lane during a fan-out disturbs nobody, and its place serves the next")
    func broken() throws {
        let bench = HubBench()
        let clients = (0..<4).map { _ in bench.client() }
        let lanes = [100, -1, 100, 100].map { TestLane(room: $0) }
        for (client, lane) in zip(clients, lanes) {
            bench.subscribe(client, "a")
            bench.shard.setLane(client, lane)
        }
        clients[1].onBroken = { [unowned shard = bench.shard, unowned client = clients[1]] in shard.leave(client) }
        try bench.publish("a", "1")
        bench.flush()
        #expect(bench.shard.subscribers(of: try ChannelName("a")) == 3)
        let (next, lane) = (bench.client(), TestLane(room: 100))
        bench.subscribe(next, "a")
        bench.shard.setLane(next, lane)
        try bench.publish("a", "2")
        bench.flush()
        #expect(lane.taken == frames("2"))
        for index in [0, 2, 3] { #expect(lanes[index].taken == frames("1", "2")) }
        #expect(lanes[1].taken.isEmpty)
    }

    @Test("with several channels in a turn a client gathers first, whatever its lane")
    func gathering() throws {
        let bench = HubBench()
        let (client, lane) = (bench.client(), TestLane(room: 100))
        bench.subscribe(client, "a")
        bench.subscribe(client, "b")
        bench.shard.setLane(client, lane)
        try bench.publish("a", "1")
        try bench.publish("b", "2")
        bench.flush()
        client.endTick()
        #expect(lane.taken.isEmpty && client.received == ["1", "2"] && client.writes == 1)
    }
}

@Suite("Combined frames")
struct CombinedFramesTests {
    @Test("the same bytes behind the same bytes are put together once")
    func shared() {
        var join = CombinedFrames()
        let (a, b) = (ByteBuffer(string: "a"), ByteBuffer(string: "b"))
        let first = join.join(a, b)
        let second = join.join(a, b)
        #expect(String(buffer: first) == "ab")
        #expect(first.withUnsafeReadableBytes(\.baseAddress) == second.withUnsafeReadableBytes(\.baseAddress))
    }

    @Test("other bytes are never taken for them, also when a buffer's owner writes on", arguments: 0..<200)
    func model(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        var join = CombinedFrames()
        let tails = (0..<3).map { ByteBuffer(string: "t\($0)") }
        var turns = (0..<4).map { (bytes: ByteBuffer(string: "c\($0)"), text: "c\($0)") }
        for step in 0..<100 {
            let index = Int.random(in: 0..<turns.count, using: &random)
            let tail = tails.randomElement(using: &random) ?? ByteBuffer()
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                turns[index].bytes.writeString("\(step)")
                turns[index].text += "\(step)"
            case 1: join.forget()
            case 2: turns[index] = turns.randomElement(using: &random) ?? turns[index]
            default:
                turns[index].bytes = join.join(turns[index].bytes, tail)
                turns[index].text += String(buffer: tail)
            }
            for turn in turns { #expect(String(buffer: turn.bytes) == turn.text) }
        }
    }
}
