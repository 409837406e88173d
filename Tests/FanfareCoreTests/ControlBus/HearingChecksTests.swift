import FanfareWire
import Testing

@testable import FanfareCore

@Suite("Whether nodes that owe an answer hear anything")
struct HearingChecksTests {
    private func node(_ number: UInt32) throws -> NodeID { try #require(NodeID(rawValue: number)) }

    @Test("a node that hears two checks in a row not is given up; one that hears one of them is not")
    func twice() throws {
        let (a, b) = (try node(1), try node(2))
        var checks = HearingChecks()
        checks.announced(2)
        let first = checks.checked(a, 0)
        let heard = checks.checked(a, 1)
        let second = checks.checked(a, 0)
        let other = checks.checked(b, 0)
        let third = checks.checked(a, 0)
        #expect(!first && !heard && !second && !other && third)
    }

    @Test("nothing is believed of a broker that counts nobody for an announcement, which its own node hears")
    func broker() throws {
        var checks = HearingChecks()
        #expect(!checks.isDue(now: 1) && !checks.isKnown)
        checks.announced(1)
        #expect(checks.isDue(now: 1))
        checks.announced(0)
        #expect(!checks.isDue(now: 1))
    }

    @Test("checks come once a second, and forget nodes that owe nothing any more")
    func rounds() throws {
        let (a, b) = (try node(1), try node(2))
        var checks = HearingChecks()
        checks.announced(1)
        let asked = checks.begin([a, b], now: 5)
        #expect(asked == [a, b] && !checks.isDue(now: 1_000_004) && checks.isDue(now: 1_000_005))
        _ = checks.checked(a, 0)
        _ = checks.begin([b], now: 1_000_005)
        let last = checks.checked(a, 0)
        #expect(!last, "counted from the beginning")
    }
}
