import FanfareTestKit
import Synchronization
import Testing

@testable import FanfareCore

@Suite("Mailbox reader")
struct MailboxReaderTests {
    private final class Wakes: Sendable {
        private let state = Atomic(0)
        var count: Int { state.load(ordering: .relaxed) }
        func add() { state.add(1, ordering: .relaxed) }
    }

    /// An owner that comes when it was woken, or by itself when a visit left something.
    private struct Owner {
        let wakes = Wakes()
        let mailbox: Mailbox<Int>
        var reader: MailboxReader<Int>
        var read: [Int] = []
        private var seen = 0
        private(set) var mustCome = false

        init() {
            mailbox = Mailbox(wake: { [wakes] in wakes.add() })
            reader = MailboxReader(mailbox)
        }

        /// Whether somebody or itself calls it.
        var isCalled: Bool { mustCome || wakes.count > seen }

        /// Reads so many at most; `during` happens behind the first.
        mutating func visit(_ count: Int, during: () -> Void = {}) {
            seen = wakes.count
            var left = count
            while left > 0, let event = reader.next() {
                read.append(event)
                left -= 1
                if left == count - 1 { during() }
            }
            mustCome = !reader.end()
        }
    }

    @Test("a visit that ends a rest goes on with what was posted meanwhile, or comes again")
    func rest() {
        var owner = Owner()
        for number in 0..<10 { owner.mailbox.post(number) }
        owner.visit(4) { [mailbox = owner.mailbox] in mailbox.post(10) }
        #expect(owner.read == [0, 1, 2, 3] && owner.mustCome)
        // It ends the rest exactly, and has not seen the last.
        owner.visit(6)
        #expect(owner.read == Array(0..<10) && owner.mustCome)
        owner.visit(6)
        #expect(owner.read == Array(0...10) && !owner.mustCome && !owner.isCalled)
        for number in 11..<15 { owner.mailbox.post(number) }
        owner.visit(3) { [mailbox = owner.mailbox] in mailbox.post(15) }
        owner.visit(3)
        #expect(owner.read == Array(0...15) && !owner.isCalled)
    }

    @Test("a visit takes once: who posts all the time does not hold it")
    func once() {
        var owner = Owner()
        owner.mailbox.post(0)
        owner.visit(100) { [mailbox = owner.mailbox] in mailbox.post(1) }
        #expect(owner.read == [0] && owner.isCalled)
        owner.visit(100)
        #expect(owner.read == [0, 1] && !owner.isCalled)
        owner.visit(100)
        #expect(owner.read == [0, 1] && !owner.isCalled, "also one that finds nothing")
    }

    @Test("an owner that comes only when it is called gets everything once and in order", arguments: 0..<100)
    func model(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var (owner, next) = (Owner(), 0)
        func post(_ mailbox: Mailbox<Int>, _ count: Int) {
            for _ in 0..<count {
                mailbox.post(next)
                next += 1
            }
        }
        for _ in 0..<300 {
            post(owner.mailbox, Int.random(in: 0...6, using: &random))
            guard owner.isCalled, Bool.random(using: &random) else { continue }
            let more = Int.random(in: 0...3, using: &random)
            owner.visit(Int.random(in: 1...8, using: &random)) { [mailbox = owner.mailbox] in post(mailbox, more) }
        }
        while owner.isCalled { owner.visit(5) }
        #expect(owner.read == Array(0..<next))
    }
}
