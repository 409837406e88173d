import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore

@Suite("Presence machine")
struct PresenceStateMachineTests {
    private let client = ClientInfo(client: "1", user: "ann")

    @Test("a client that is there is told once, however many subscriptions it has")
    func once() {
        var machine = PresenceStateMachine(timing: PresenceTiming(ttl: .seconds(60)))
        machine.join(client, now: 1)
        machine.join(client, now: 1)
        #expect(machine.work(now: 1) == [.join([client], returning: false, call: 1)] && machine.count == 1)
        machine.joinAnswered(1, clients: ["1"], isDone: true, now: 2)
        machine.join(client, now: 3)
        #expect(machine.work(now: 1_000_000).isEmpty)
        machine.leave("1", now: 1_000_001)
        #expect(machine.work(now: 1_000_001) == [.leave(["1"])] && machine.count == 0)
    }

    @Test("one that comes with another info is told anew")
    func changed() {
        var machine = PresenceStateMachine(timing: PresenceTiming(ttl: .seconds(60)))
        machine.join(client, now: 1)
        _ = machine.work(now: 1)
        let other = ClientInfo(client: "1", user: "ann", connInfo: ByteBuffer(string: "1"))
        machine.join(other, now: 2)
        #expect(machine.work(now: 1_000_000) == [.join([other], returning: false, call: 2)])
    }
}
