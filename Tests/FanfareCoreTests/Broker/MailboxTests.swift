import Synchronization
import Testing

@testable import FanfareCore

@Suite("Mailbox")
struct MailboxTests {
    @Test("however many events are posted, the owner is woken once until it looks")
    func oneWake() {
        let wakes = Counter()
        let mailbox = Mailbox<Int>(wake: { wakes.increment() })
        mailbox.post(1)
        mailbox.post(contentsOf: [2, 3])
        mailbox.post(contentsOf: [])
        #expect(wakes.value == 1)
        #expect(mailbox.take() == [1, 2, 3])
        mailbox.post(4)
        #expect(wakes.value == 2)
    }

    @Test("what would weigh too much is not taken, until the owner has looked")
    func weight() {
        let mailbox = Mailbox<Int>(wake: {})
        #expect(mailbox.post(contentsOf: [1], weight: 500, limit: 100), "one alone is taken, whatever it weighs")
        #expect(!mailbox.post(contentsOf: [2], weight: 1, limit: 100))
        mailbox.post(3)
        #expect(mailbox.take() == [1, 3])
        #expect(mailbox.post(contentsOf: [4], weight: 60, limit: 100))
        #expect(mailbox.post(contentsOf: [5], weight: 40, limit: 100))
        #expect(!mailbox.post(contentsOf: [6], weight: 1, limit: 100))
        #expect(mailbox.take() == [4, 5])
    }

    @Test("the connection limit holds when many threads take places at once")
    func admission() async {
        let admission = Admission(limit: 100)
        let admitted = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask { (0..<1_000).reduce(0) { sum, _ in sum + (admission.enter() ? 1 : 0) } }
            }
            return await group.reduce(0, +)
        }
        #expect(admitted == 100)
        #expect(admission.count == 100)
        admission.leave()
        #expect(admission.enter())
        #expect(!admission.enter())
    }
}

private final class Counter: Sendable {
    private let count = Atomic<Int>(0)
    var value: Int { count.load(ordering: .relaxed) }
    func increment() { count.add(1, ordering: .relaxed) }
}
