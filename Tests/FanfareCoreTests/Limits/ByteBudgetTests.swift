import Testing

@testable import FanfareCore

@Suite("Byte budget")
struct ByteBudgetTests {
    @Test("it gives what there is, and a single taker what it needs")
    func take() {
        let budget = ByteBudget(limit: 100)
        #expect(budget.take(60) && budget.hasRoom)
        #expect(!budget.take(41) && budget.used == 60)
        #expect(budget.take(40) && !budget.hasRoom)
        budget.give(100)
        #expect(budget.take(500) && !budget.hasRoom)
        #expect(!budget.take(1))
        budget.give(500)
        #expect(budget.used == 0 && budget.hasRoom)
    }

    @Test("an attempt that is given back does not count")
    func attempts() {
        let group = ClientGroup(ClientGroup.Allowance(attempts: Rate(perSecond: 1, burst: 2)))
        let now: UInt64 = 5_000_000
        for _ in 0..<10 {
            #expect(group.mayTry(now: now))
            group.tried()
        }
        #expect(group.mayTry(now: now) && group.mayTry(now: now) && !group.mayTry(now: now))
        let other = ClientGroup(ClientGroup.Allowance(attempts: Rate(perSecond: 1, burst: 2)))
        for _ in 0..<9 { other.tried() }
        #expect(other.mayTry(now: now) && other.mayTry(now: now) && !other.mayTry(now: now))
    }
}
