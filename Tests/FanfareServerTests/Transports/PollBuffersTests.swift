import FanfareCore
import FanfareWire
import Synchronization
import Testing

@testable import FanfareServer

@Suite("Visits of polls and sessions")
struct PollBuffersTests {
    /// Visits as an event loop does, and posts between two of them; each visit takes `visit` at most.
    private func run(_ visit: Int, post: () -> Void, visitMailbox: () -> Bool) -> (posted: Int, visits: Int) {
        for _ in 0..<(visit + 1) { post() }
        #expect(!visitMailbox())
        // Its wake-up was the first visit, or the next one that comes by itself.
        post()
        var visits = 1
        while !visitMailbox() { visits += 1 }
        return (visit + 2, visits + 1)
    }

    @Test("a question that comes between two visits is answered without another wake-up")
    func polls() throws {
        let answers = Mutex(0)
        let buffers = PollBuffers(wake: {})
        let question = PollQuestion(
            cursor: PollCursor(id: ClientID.make(node: .random(), loop: 0)), channel: try ChannelName("a"), user: "",
            expiresAt: .max, wait: 0, poll: 1)
        let (posted, visits) = run(PollBuffers.visit) {
            buffers.mailbox.post(.question(question) { _ in answers.withLock { $0 += 1 } })
        } visitMailbox: {
            buffers.visitMailbox()
        }
        #expect(answers.withLock(\.self) == posted && visits == 2)
    }

    @Test("so is what comes to a session")
    func sessions() {
        let answers = Mutex(0)
        let relay = SessionRelay(.random(), metrics: NodeMetrics(loops: 1))
        let table = SessionTable(relay, loop: 0, wake: {})
        let (posted, visits) = run(64) {
            table.mailbox.post(.answered { answers.withLock { $0 += 1 } })
        } visitMailbox: {
            table.visitMailbox()
        }
        #expect(answers.withLock(\.self) == posted && visits == 2)
    }
}
