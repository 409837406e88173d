import FanfareCore
import FanfareWire
import Synchronization
import Testing

@testable import FanfareServer

@Suite("Polls that other nodes ask for")
struct PollRelayTests {
    @Test("a question says when its token expires; one of an older node does not")
    func expiry() throws {
        let cursor = PollCursor(id: ClientID.make(node: .random(), loop: 0))
        for time in [nil, 0, 1_800_000_000, .max] as [Int64?] {
            let question = PollQuestion(
                cursor: cursor, channel: try ChannelName("a"), user: "42", expiresAt: time, wait: 7, poll: 1)
            let read = try #require(PollMessage.question(PollMessage.fields(question)))
            #expect(read.expiresAt == time && read.user == "42" && read.wait == 7)
        }
    }

    @Test("more of them than have room are answered as busy, and there is room again when one is answered")
    func busy() throws {
        let node = NodeID.random()
        let relay = PollRelay(node)
        let mailbox = Mailbox<PollBuffers.Event> {}
        relay.add(mailbox, loop: 0)
        let question = PollQuestion(
            cursor: PollCursor(id: ClientID.make(node: node, loop: 0)), channel: try ChannelName("a"), user: "",
            expiresAt: .max, wait: 0, poll: 1)
        let statuses = Mutex<[ControlStatus]>([])
        func ask() {
            relay.asked(PollMessage.fields(question)) { answer in statuses.withLock { $0.append(answer.status) } }
        }
        for _ in 0..<PollBounds.answering { ask() }
        #expect(statuses.withLock { $0.isEmpty })
        ask()
        #expect(statuses.withLock { $0 } == [.busy])
        var events: [PollBuffers.Event] = []
        mailbox.take(into: &events)
        guard case .question(_, let answer) = try #require(events.first) else { return }
        answer(.nothing)
        ask()
        ask()
        #expect(statuses.withLock { $0 } == [.busy, .ok, .busy])
    }
}
