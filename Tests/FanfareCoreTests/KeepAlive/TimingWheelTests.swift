import FanfareTestKit
import Testing

@testable import FanfareCore

@Suite("Timing wheel")
struct TimingWheelTests {
    @Test("a deadline is never early and at most one tick late", arguments: [0, 1, 49, 50, 51, 1_023, 100_000])
    func punctual(ticks: UInt64) {
        let wheel = TimingWheel(now: 0, tickMicroseconds: 10, buckets: 64)
        let member = Timed()
        let deadline = ticks * 10 + 3
        wheel.schedule(member, at: deadline)
        var now: UInt64 = 0
        while member.fired.isEmpty, now < deadline + 100 {
            now += 10
            wheel.advance(to: now)
        }
        #expect(member.fired.count == 1)
        #expect(now >= deadline && now < deadline + 20)
        #expect(wheel.count == 0)
    }

    @Test("a cancelled deadline does not fire, a moved one fires once")
    func cancelAndMove() {
        let wheel = TimingWheel(now: 0, tickMicroseconds: 10, buckets: 8)
        let (cancelled, moved) = (Timed(), Timed())
        wheel.schedule(cancelled, at: 50)
        wheel.schedule(moved, at: 50)
        wheel.schedule(moved, at: 500)
        wheel.cancel(cancelled)
        for now in stride(from: UInt64(10), through: 600, by: 10) { wheel.advance(to: now) }
        #expect(cancelled.fired.isEmpty)
        #expect(moved.fired == [500])
    }

    @Test("a stall fires everything that became due, once")
    func stall() {
        let wheel = TimingWheel(now: 0, tickMicroseconds: 10, buckets: 16)
        let members = (0..<100).map { _ in Timed() }
        for (index, member) in members.enumerated() { wheel.schedule(member, at: UInt64(index * 10)) }
        wheel.advance(to: 100_000)
        #expect(members.allSatisfy { $0.fired.count == 1 })
    }

    @Test("random schedules, moves and cancels agree with a model", arguments: 0..<200)
    func model(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        let wheel = TimingWheel(now: 0, tickMicroseconds: 10, buckets: 16)
        let members = (0..<40).map { _ in Timed() }
        var due: [ObjectIdentifier: UInt64] = [:]
        var now: UInt64 = 0
        // What fires may cancel a neighbour, in its own bucket or not.
        for (index, member) in members.enumerated() where index.isMultiple(of: 7) {
            member.onFire = { [unowned other = members[(index + 1) % members.count]] in
                wheel.cancel(other)
                due[ObjectIdentifier(other)] = nil
            }
        }
        for _ in 0..<300 {
            guard let member = members.randomElement(using: &random) else { return }
            switch Int.random(in: 0..<4, using: &random) {
            case 0, 1:
                let deadline = now + UInt64.random(in: 0...1_000, using: &random)
                wheel.schedule(member, at: deadline)
                due[ObjectIdentifier(member)] = deadline
            case 2:
                wheel.cancel(member)
                due[ObjectIdentifier(member)] = nil
            default:
                now += UInt64.random(in: 1...300, using: &random)
                for member in members { member.fired = [] }
                wheel.advance(to: now)
                for member in members {
                    let deadline = due[ObjectIdentifier(member)]
                    if !member.fired.isEmpty {
                        #expect(member.fired.count == 1)
                        due[ObjectIdentifier(member)] = nil
                    } else if let deadline {
                        #expect(deadline + 20 > now, "overdue and not fired")
                    }
                }
            }
        }
        #expect(wheel.count == due.count)
    }
}

private final class Timed: WheelMember {
    var wheelPlace = WheelPlace()
    var fired: [UInt64] = []
    var onFire: (() -> Void)?

    func deadlineReached(now: UInt64) {
        fired.append(now)
        onFire?()
    }
}
