import FanfareTestKit
import Testing

@testable import FanfareWire

@Suite("Last-Event-ID")
struct LastEventIDTests {
    @Test("an id of ours is the place, none is the beginning")
    func positions() throws {
        #expect(try LastEventID.position(["42.k3vxq7ab"]) == StreamPosition(offset: 42, epoch: "k3vxq7ab"))
        #expect(try LastEventID.position([]) == nil)
        #expect(try LastEventID.position([""]) == nil)
    }

    @Test("what is no place of ours is said to be none", arguments: ["42", "7.", " 7.e", "7.e,7.e", "é", "\u{FFFD}"])
    func foreign(field: String) {
        let problem = LastEventID.Problem(
            description: "last-event-id must be <offset>.<epoch>, as in 42.k3vxq7ab, as the stream had it")
        #expect(throws: problem) { try LastEventID.position([field]) }
    }

    @Test("two of them are no answer")
    func twice() {
        let problem = LastEventID.Problem(description: "there is more than one last-event-id")
        #expect(throws: problem) { try LastEventID.position(["42.k3vxq7ab", "42.k3vxq7ab"]) }
        #expect(throws: problem) { try LastEventID.position(["", "42.k3vxq7ab"]) }
    }
}
