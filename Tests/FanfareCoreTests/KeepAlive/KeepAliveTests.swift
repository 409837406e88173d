import Testing

@testable import FanfareCore

@Suite("Keep-alive")
struct KeepAliveTests {
    private let settings = KeepAlive()
    private let second: UInt64 = 1_000_000

    @Test("the first ping comes after the client's share of the interval")
    func spread() {
        var machine = KeepAliveStateMachine()
        #expect(machine.start(now: 0, settings: settings, spread: 0.5) == 12_500_000)
        #expect(machine.deadlineReached(now: 12_500_000, settings: settings) == .ping(next: 20_500_000))
    }

    @Test("a client that answers is pinged again an interval after the last ping")
    func answered() {
        var machine = KeepAliveStateMachine()
        _ = machine.start(now: 0, settings: settings, spread: 0)
        _ = machine.deadlineReached(now: second, settings: settings)
        #expect(machine.lifeSeen(now: second + 30, settings: settings) == 30)
        #expect(machine.lifeSeen(now: second + 50, settings: settings) == nil)
        #expect(machine.deadlineReached(now: 9 * second, settings: settings) == .wait(until: 26 * second))
        #expect(machine.deadlineReached(now: 26 * second, settings: settings) == .ping(next: 34 * second))
    }

    @Test("a client that shows no life within the pong timeout is ended")
    func silent() {
        var machine = KeepAliveStateMachine()
        _ = machine.start(now: 0, settings: settings, spread: 0)
        _ = machine.deadlineReached(now: second, settings: settings)
        #expect(machine.deadlineReached(now: 8 * second, settings: settings) == .wait(until: 9 * second))
        #expect(machine.deadlineReached(now: 9 * second, settings: settings) == .noPong)
    }

    @Test("without pings there is no deadline and nobody is ended")
    func off() {
        var settings = KeepAlive()
        settings.pingInterval = nil
        var machine = KeepAliveStateMachine()
        #expect(machine.start(now: 0, settings: settings, spread: 0.5) == nil)
        #expect(machine.deadlineReached(now: 100 * second, settings: settings) == .none)
    }
}
