import FanfareCore
import Testing

@Suite("Read gate")
struct ReadGateTests {
    @Test("a read closes the gate until it ends")
    func read() {
        var gate = ReadGate()
        #expect(!gate.isClosed)
        gate.begin()
        #expect(gate.isClosed)
        gate.end()
        #expect(!gate.isClosed)
    }

    @Test("only the subscription that recovers ends its recovery")
    func recovery() {
        var gate = ReadGate()
        gate.beginRecovery(7)
        let other = gate.endRecovery(6)
        gate.end()
        #expect(gate.isClosed)
        let (own, again) = (gate.endRecovery(7), gate.endRecovery(7))
        #expect(!other && own && !again && !gate.isClosed)
    }
}
