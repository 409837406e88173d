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
        for mode in [KeepAliveMode.serverPings, .serverPingsOnly] {
            #expect(machine.start(now: 0, mode: mode, settings: settings, spread: 0.5) == nil)
            #expect(machine.deadlineReached(now: 100 * second, settings: settings) == .none)
        }
    }

    @Test("a client that was not read when it should have answered is pinged again and has all its time anew")
    func pausedWhilePinged() {
        var machine = KeepAliveStateMachine()
        _ = machine.start(now: 0, settings: settings, spread: 0)
        #expect(machine.deadlineReached(now: second, settings: settings) == .ping(next: 9 * second))
        // What `grantLife` does, at the deadline.
        _ = machine.lifeSeen(now: 9 * second, settings: settings)
        #expect(machine.deadlineReached(now: 9 * second, settings: settings) == .wait(until: 26 * second))
        #expect(machine.deadlineReached(now: 26 * second, settings: settings) == .ping(next: 34 * second))
        #expect(machine.deadlineReached(now: 34 * second, settings: settings) == .noPong)
    }

    @Test("where nothing can come back the server pings at its interval and ends nobody")
    func serverOnly() {
        var machine = KeepAliveStateMachine()
        #expect(machine.start(now: 0, mode: .serverPingsOnly, settings: settings, spread: 0.2) == 5 * second)
        #expect(machine.deadlineReached(now: 4 * second, settings: settings) == .wait(until: 5 * second))
        for ping: UInt64 in [5, 30, 55, 80] {
            let next = (ping + 25) * second
            #expect(machine.deadlineReached(now: ping * second, settings: settings) == .ping(next: next))
            // Nothing comes; if something does, it is no answer.
            #expect(machine.lifeSeen(now: (ping + 1) * second, settings: settings) == nil)
        }
        // A loop that was held up pings once, not for every interval that it missed.
        #expect(machine.deadlineReached(now: 500 * second, settings: settings) == .ping(next: 525 * second))
    }

    @Test(
        "a client that pings by itself is never pinged, and ended when its own time has passed without a sign of life")
    func clientPings() {
        for pingInterval in [settings.pingInterval, nil] {
            var settings = settings
            settings.pingInterval = pingInterval
            var machine = KeepAliveStateMachine()
            let mode = KeepAliveMode.clientPings(within: .seconds(60))
            #expect(machine.start(now: second, mode: mode, settings: settings, spread: 0.9) == 61 * second)
            // Signs of life move nothing but what the deadline finds.
            #expect(machine.lifeSeen(now: 20 * second, settings: settings) == nil)
            #expect(machine.lifeSeen(now: 50 * second, settings: settings) == nil)
            #expect(machine.deadlineReached(now: 61 * second, settings: settings) == .wait(until: 110 * second))
            #expect(machine.deadlineReached(now: 109 * second, settings: settings) == .wait(until: 110 * second))
            #expect(machine.deadlineReached(now: 110 * second, settings: settings) == .noPong)
        }
    }

    @Test("a client that pings by itself and was not read meanwhile has its whole time anew")
    func pausedClient() {
        var machine = KeepAliveStateMachine()
        _ = machine.start(now: 0, mode: .clientPings(within: .seconds(10)), settings: settings, spread: 0)
        // What `grantLife` does at the deadline, and when the client is read again.
        _ = machine.lifeSeen(now: 10 * second, settings: settings)
        #expect(machine.deadlineReached(now: 10 * second, settings: settings) == .wait(until: 20 * second))
        _ = machine.lifeSeen(now: 14 * second, settings: settings)
        #expect(machine.deadlineReached(now: 20 * second, settings: settings) == .wait(until: 24 * second))
        #expect(machine.deadlineReached(now: 24 * second, settings: settings) == .noPong)
    }

    @Test("how long a client may be silent is its own choice within bounds")
    func choice() {
        #expect(KeepAlive.clientTime(.seconds(90)) == .seconds(90))
        #expect(KeepAlive.clientTime(.zero) == .seconds(1) && KeepAlive.clientTime(.milliseconds(10)) == .seconds(1))
        #expect(KeepAlive.clientTime(.seconds(98_302)) == .seconds(3_600))
        #expect(KeepAlive.clientTime(nil) == .seconds(3_600))
    }

    @Test("where each ping is answered the first comes after an interval, the next an interval after the answer")
    func answeredPings() {
        var machine = KeepAliveStateMachine()
        #expect(machine.start(now: 0, mode: .serverPingsAnswered, settings: settings, spread: 0.5) == 25 * second)
        #expect(machine.deadlineReached(now: 25 * second, settings: settings) == .ping(next: 33 * second))
        #expect(machine.lifeSeen(now: 27 * second, settings: settings) == 2 * second)
        #expect(machine.lifeSeen(now: 28 * second, settings: settings) == nil, "nobody asked")
        #expect(machine.deadlineReached(now: 33 * second, settings: settings) == .wait(until: 52 * second))
    }

    @Test("there an answer has its time from when its ping was due, unless we were late by more than a tick")
    func dueTimes() {
        var settings = KeepAlive()
        (settings.pingInterval, settings.pongTimeout) = (.milliseconds(300), .milliseconds(200))
        var machine = KeepAliveStateMachine()
        _ = machine.start(now: 0, mode: .serverPingsAnswered, settings: settings, spread: 0)
        #expect(!machine.isOverdue(now: 600_000, settings: settings), "nothing was asked")
        #expect(machine.deadlineReached(now: 390_000, settings: settings) == .ping(next: 500_000))
        #expect(!machine.isOverdue(now: 499_999, settings: settings))
        #expect(machine.isOverdue(now: 500_000, settings: settings))
        #expect(machine.deadlineReached(now: 500_000, settings: settings) == .noPong)

        _ = machine.start(now: 0, mode: .serverPingsAnswered, settings: settings, spread: 0)
        #expect(machine.deadlineReached(now: 2 * second, settings: settings) == .ping(next: 2_100_000), "half of it")
        #expect(settings.alwaysOn == settings)
        settings.pingInterval = nil
        #expect(settings.alwaysOn.pingInterval == .seconds(25))
    }
}
