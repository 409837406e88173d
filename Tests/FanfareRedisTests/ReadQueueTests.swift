import FanfareTestKit
import Testing

@testable import FanfareRedis

@Suite("Read queue")
struct ReadQueueTests {
    @Test("Redis is asked for no more than the window, and for a bigger read alone")
    func window() {
        var queue = ReadQueue<Int>()
        let half = RedisBounds.readWindowBytes / 2
        for number in 0..<4 { queue.add(number, cost: half, lane: .second) }
        queue.add(4, cost: 4_000_000, lane: .second)
        #expect(queue.next()?.order == 0 && queue.next()?.order == 1)
        #expect(queue.next() == nil && queue.outstanding == RedisBounds.readWindowBytes)
        queue.answered(cost: half)
        #expect(queue.next()?.order == 2 && queue.next() == nil)
        queue.answered(cost: half)
        #expect(queue.next()?.order == 3)
        queue.answered(cost: half)
        #expect(queue.next() == nil)
        queue.answered(cost: half)
        #expect(queue.next()?.order == 4 && queue.next() == nil)
        queue.answered(cost: 4_000_000)
        #expect(queue.outstanding == 0 && queue.count == 0)
    }

    @Test("positions are cheap: a reconnect asks for hundreds at a time")
    func positions() {
        var queue = ReadQueue<Int>()
        for number in 0..<1_000 { queue.add(number, cost: SlicedRead(.position).cost, lane: .first) }
        var count = 0
        while queue.next() != nil { count += 1 }
        #expect(count == 130)
    }

    @Test("what the node needs goes first, and clients do not starve")
    func lanes() {
        var queue = ReadQueue<String>()
        for number in 0..<20 { queue.add("s\(number)", cost: 1, lane: .second) }
        for number in 0..<20 { queue.add("f\(number)", cost: 1, lane: .first) }
        var order: [String] = []
        while let next = queue.next() { order.append(next.order) }
        #expect(order.prefix(9) == ["f0", "f1", "f2", "f3", "f4", "f5", "f6", "s0", "f7"])
        #expect(order.filter { $0.hasPrefix("s") } == (0..<20).map { "s\($0)" })
        #expect(order.filter { $0.hasPrefix("f") } == (0..<20).map { "f\($0)" })
    }

    @Test("clients wait as long as they like to, the node as long as it takes")
    func patience() {
        var queue = ReadQueue<Int>()
        queue.add(0, cost: 1_000_000, lane: .first)
        _ = queue.next()
        queue.add(1, cost: 1, lane: .second, until: 100)
        queue.add(2, cost: 1, lane: .second, until: 200)
        queue.add(3, cost: 1, lane: .first, until: 100)
        #expect(queue.overdue(now: 99).isEmpty)
        #expect(queue.overdue(now: 100) == [1])
        #expect(queue.empty() == [3, 2] && queue.outstanding == 0)
    }
}
