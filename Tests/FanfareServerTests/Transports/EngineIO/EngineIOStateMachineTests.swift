import FanfareCore
import FanfareWire
import Testing

@testable import FanfareServer

@Suite("Engine.IO: polling, and the move to a WebSocket")
struct EngineIOStateMachineTests {
    private let probe = EngineIOPacket(.ping, Payload(text: "probe"))

    /// The machine changes while it is asked, which the macro does not take everywhere.
    private func expect(
        _ holds: Bool, _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(holds, comment, sourceLocation: sourceLocation)
    }

    private func upgrading() -> EngineIOStateMachine {
        var machine = EngineIOStateMachine()
        _ = machine.socketCame()
        _ = machine.socketSaid(probe)
        return machine
    }

    @Test("one poll waits at a time, and the next comes after its answer")
    func polls() {
        var machine = EngineIOStateMachine()
        expect(!machine.isUsed)
        expect(machine.poll(1) == .wait && machine.poll == 1 && machine.isUsed)
        machine.answered()
        expect(machine.poll(2) == .wait && machine.phase == .polling)
    }

    @Test("a second poll beside one that waits ends the session")
    func duplicatePoll() {
        var machine = EngineIOStateMachine()
        _ = machine.poll(1)
        expect(machine.poll(2) == .duplicate)
        expect(machine.phase == .ended(owesNoop: false) && machine.poll(3) == .gone && machine.post() == .gone)
    }

    @Test("a poll through another node takes the place of the one that waits, one through the same node does not")
    func repeatedPoll() {
        let (one, other) = (NodeID(rawValue: 1), NodeID(rawValue: 2))
        var machine = EngineIOStateMachine()
        expect(machine.poll(1, through: one) == .wait && machine.poll(2, through: other) == .replace)
        expect(machine.poll == 2 && machine.asker == other && !machine.left(1), "the first does not count any more")
        expect(machine.poll(3) == .replace && machine.asker == nil)
        machine.answered()
        expect(machine.poll(4, through: one) == .wait && machine.poll(5, through: one) == .duplicate)
        machine = upgrading()
        expect(machine.poll(1, through: one) == .noop && machine.poll(2, through: other) == .noop)
    }

    @Test("a poll that is given up and not by its client makes room for the next")
    func releasedPoll() {
        var machine = EngineIOStateMachine()
        _ = machine.poll(1)
        expect(!machine.released(2) && machine.released(1) && !machine.released(1) && machine.poll(2) == .wait)
    }

    @Test("a poll whose client goes ends the session, one that has its answer does not")
    func cancelledPoll() {
        var machine = EngineIOStateMachine()
        _ = machine.poll(1)
        machine.answered()
        expect(!machine.left(1))
        _ = machine.poll(2)
        expect(!machine.left(1) && machine.left(2) && machine.poll(3) == .gone)
    }

    @Test("a second POST beside one under way ends the session, a later one does not")
    func posts() {
        var machine = EngineIOStateMachine()
        expect(machine.post() == .take && machine.isUsed)
        machine.posted()
        expect(machine.post() == .take && machine.post() == .duplicate && machine.post() == .gone)
    }

    @Test("a client that says 1 has its poll answered with a noop, whichever comes first, and no further one")
    func close() {
        var machine = EngineIOStateMachine()
        _ = machine.poll(1)
        expect(machine.closed() && machine.phase == .ended(owesNoop: false) && machine.poll(2) == .gone)
        machine = EngineIOStateMachine()
        expect(!machine.closed())
        expect(machine.post() == .gone && !machine.socketCame(), "only a poll is told")
        expect(machine.poll(1) == .noop && machine.poll(2) == .gone)
    }

    @Test("a WebSocket that came and has not asked leaves polling as it is")
    func probing() {
        var machine = EngineIOStateMachine()
        _ = machine.poll(1)
        expect(machine.socketCame() && machine.delivers && machine.poll == 1)
        machine.answered()
        expect(machine.poll(2) == .wait)
    }

    @Test("from the probe to 5 every poll is given a noop, and what the session says waits")
    func noops() {
        var machine = EngineIOStateMachine()
        _ = machine.poll(1)
        _ = machine.socketCame()
        expect(machine.socketSaid(probe) == .answerProbe && machine.poll == 1, "the one that waits is to be answered")
        machine.answered()
        for receiver in UInt64(2)...100 { expect(machine.poll(receiver) == .noop) }
        expect(!machine.delivers && machine.post() == .take, "what the client has to say it still can")
        machine.posted()
        expect(machine.socketSaid(probe) == .answerProbe, "asked again")
        expect(machine.socketSaid(EngineIOPacket(.upgrade)) == .upgrade && machine.phase == .upgraded)
    }

    @Test("after the upgrade requests are refused, and the session goes on")
    func upgraded() {
        var machine = upgrading()
        _ = machine.socketSaid(EngineIOPacket(.upgrade))
        expect(machine.poll(1) == .moved && machine.post() == .moved && !machine.socketCame())
        machine.socketWent()
        expect(machine.phase == .upgraded)
    }

    @Test("5 without a probe, or any other packet, closes the WebSocket and leaves polling alone")
    func wrongPackets() {
        for packet in EngineIOPacket.Kind.allCases.map({ EngineIOPacket($0) }) {
            var machine = EngineIOStateMachine()
            _ = machine.socketCame()
            expect(machine.socketSaid(packet) == .close && machine.phase == .polling, "\(packet.kind) first")
            guard packet.kind != .upgrade else { continue }
            machine = upgrading()
            expect(machine.socketSaid(packet) == .close && machine.phase == .polling, "\(packet.kind) after the probe")
            expect(machine.poll(1) == .wait)
        }
    }

    @Test("one WebSocket is tried at a time; when it goes, or takes too long, another may be")
    func sockets() {
        var machine = upgrading()
        expect(!machine.socketCame())
        machine.socketWent()
        expect(machine.phase == .polling && machine.poll(1) == .wait && machine.socketCame())
    }

    @Test("whatever ends a session, nothing of it goes on")
    func ends() {
        for var machine in [EngineIOStateMachine(), upgrading()] {
            _ = machine.post()
            machine.end()
            expect(machine.poll(1) == .gone && machine.post() == .gone && !machine.socketCame() && !machine.delivers)
            machine.socketWent()
            machine.end()
            expect(machine.phase == .ended(owesNoop: false))
        }
    }
}
