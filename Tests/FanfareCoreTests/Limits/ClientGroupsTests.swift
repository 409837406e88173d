import Testing

@testable import FanfareCore

@Suite("ClientGroups")
struct ClientGroupsTests {
    @Test("the clients of a group are counted together, those of others are not")
    func places() throws {
        let census = ClientGroups<String>(ClientGroup.Allowance(connections: 2))
        let first = try #require(census.enter("a", now: 1))
        let second = try #require(census.enter("a", now: 1))
        #expect(first === second)
        let third = census.enter("a", now: 1)
        let other = census.enter("b", now: 1)
        #expect(third == nil && other != nil)
        first.leave()
        let again = census.enter("a", now: 1)
        #expect(again === first && first.connections == 2)
    }

    @Test("attempts, messages and publications have rates of their own")
    func rates() {
        let rate = Rate(perSecond: 2)
        let group = ClientGroups<Int>(ClientGroup.Allowance(attempts: rate, messages: rate, publications: rate)).group(
            7, now: 0)
        let now: UInt64 = 10_000_000
        let attempts = (0..<3).map { _ in group.mayTry(now: now) }
        #expect(attempts == [true, true, false])
        let publications = (0..<3).map { _ in group.publish(now: now) }
        #expect(publications == [nil, nil, 500_000])
        let messages = (0..<3).map { _ in group.message(now: now) }
        #expect(messages == [0, 500_000, 1_000_000])
        let raw = group.publication(now: now)
        let batch = group.message(commands: 4, now: now)
        #expect(raw == 1_000_000 && batch == 3_000_000)
        let unlimited = ClientGroups<Int>(ClientGroup.Allowance()).group(7, now: 0)
        #expect(unlimited.mayTry(now: 0) && unlimited.publish(now: 0) == nil && unlimited.message(now: 0) == 0)
        #expect(unlimited.publication(now: 0) == 0)
    }

    @Test("whoever has no clients and did nothing for a while is forgotten, nobody else")
    func forgetting() throws {
        let census = ClientGroups<Int>(ClientGroup.Allowance(connections: 1, attempts: Rate(perSecond: 1)))
        let here = try #require(census.enter(-1, now: 0))
        let busy = census.group(-2, now: 0)
        #expect(busy.mayTry(now: 9_500_000))
        for key in 0..<100_000 { _ = census.group(key, now: 10_000_000) }
        #expect(census.count < 1_000)
        let stillHere = census.enter(-1, now: 10_000_000)
        let stillBusy = census.group(-2, now: 10_000_000).mayTry(now: 10_000_000)
        #expect(stillHere == nil && !stillBusy && here.connections == 1)
    }
}
