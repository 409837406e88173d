import FanfareWire
import Testing

@testable import FanfareCore

@Suite("Requests that wait for answers")
struct ControlExchangeTests {
    private static let nodes = (0..<3).compactMap { NodeID(rawValue: $0) }

    private func answer(_ node: NodeID) -> ControlAnswer {
        var answer = ControlAnswer()
        answer.node = node
        return answer
    }

    @Test("a request ends with the answer of the last node that was asked, and each answers once")
    func answers() throws {
        var exchange = ControlExchange<String>()
        let (a, b, c) = (Self.nodes[0], Self.nodes[1], Self.nodes[2])
        let numberFound = exchange.begin("both", expecting: [a, b], until: 10)
        let number = try #require(numberFound)
        // Once; it answered already; it was not asked; to nothing.
        for (number, node) in [(number, a), (number, a), (number, c), (number + 1, b)] {
            let finished = exchange.answered(number, by: node, answer(node))
            #expect(finished == nil)
        }
        let finishedFound = exchange.answered(number, by: b, answer(b))
        let finished = try #require(finishedFound)
        #expect(finished.waiter == "both" && finished.missing.isEmpty && !finished.isLate)
        #expect(finished.answers.compactMap(\.node) == [a, b])
        let again = exchange.answered(number, by: b, answer(b))
        #expect(again == nil && exchange.count == 0)
    }

    @Test("at its deadline a request ends with what it has")
    func deadlines() throws {
        var exchange = ControlExchange<Int>()
        let (a, b) = (Self.nodes[0], Self.nodes[1])
        let lateFound = exchange.begin(1, expecting: [a, b], until: 10)
        let late = try #require(lateFound)
        _ = exchange.begin(2, expecting: [a], until: 20)
        let half = exchange.answered(late, by: b, answer(b))
        let early = exchange.expire(now: 9)
        #expect(half == nil && early.isEmpty)
        let first = exchange.expire(now: 10)
        #expect(first.map(\.waiter) == [1] && first.first?.missing == [a] && first.first?.isLate == true)
        #expect(first.first?.answers.compactMap(\.node) == [b])
        let none = exchange.expire(now: 19)
        let last = exchange.expire(now: 100)
        #expect(none.isEmpty && last.map(\.waiter) == [2] && exchange.count == 0)
    }

    @Test("a node that goes answers nothing: who waits for it alone is told, others wait on")
    func gone() throws {
        var exchange = ControlExchange<Int>()
        let (a, b) = (Self.nodes[0], Self.nodes[1])
        _ = exchange.begin(1, expecting: [a], until: 10)
        let bothFound = exchange.begin(2, expecting: [a, b], until: 10)
        let both = try #require(bothFound)
        let finished = exchange.gone(a)
        #expect(finished.map(\.waiter) == [1] && finished.first?.missing == [a] && finished.first?.isLate == false)
        let secondFound = exchange.answered(both, by: b, answer(b))
        let second = try #require(secondFound)
        #expect(second.missing == [a])
    }

    @Test("more than the bound are refused, until some have ended")
    func bound() throws {
        var exchange = ControlExchange<Int>()
        for number in 0..<ControlBounds.requests {
            let begun = exchange.begin(number, expecting: [Self.nodes[0]], until: UInt64(number))
            #expect(begun != nil)
        }
        let refused = exchange.begin(-1, expecting: [Self.nodes[0]], until: 1)
        let over = exchange.expire(now: 0)
        let taken = exchange.begin(-1, expecting: [Self.nodes[0]], until: 1)
        #expect(refused == nil && over.count == 1 && taken != nil)
        let rest = exchange.stop()
        #expect(rest.count == ControlBounds.requests && exchange.count == 0)
    }
}

extension ControlExchange.Finished: Equatable where Waiter: Equatable {
    public static func == (lhs: Self, rhs: Self) -> Bool {
        lhs.waiter == rhs.waiter && lhs.answers == rhs.answers && lhs.missing == rhs.missing && lhs.isLate == rhs.isLate
    }
}
