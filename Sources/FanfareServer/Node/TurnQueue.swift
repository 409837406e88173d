import FanfareCore
import NIOCore

/// Who may have more to do than one turn allows.
protocol TurnTaker: AnyObject {
    /// Its turn has come.
    func takeTurn()
}

/// Clients and HTTP connections of one event loop that have more to do than one turn allows.
///
/// They go on in their order, some together, one round in each look of the loop at its sockets (``SocketPass``).
final class TurnQueue {
    /// Microseconds after which a round ends, and the rest waits for the next.
    private static let round: UInt64 = 150

    private unowned let loop: LoopState
    private var waiting: [any TurnTaker] = []
    private var next = 0
    /// Units that were done since the sockets were looked at, about, and when the last of them were.
    private var spent = 0
    private var spentAt: UInt64 = 0

    init(_ loop: LoopState) { self.loop = loop }

    /// Whether those whose bytes came in this look at the sockets have had a turn's work together. Who comes now has a short
    /// turn, and the rest of it later: many who send a lot would else be as long as all their turns.
    func isBusy(now: UInt64) -> Bool {
        if now > spentAt + Self.round { spent = 0 }
        return spent >= Turn.work
    }

    /// So many units were done outside a round.
    func spend(_ units: Int, now: UInt64) { (spent, spentAt) = (spent + units, now) }

    /// The sockets were looked at.
    func socketsSeen() { spent = 0 }

    /// How many wait.
    var count: Int { waiting.count - next }

    /// Adds one behind the others.
    func add(_ taker: any TurnTaker) {
        waiting.append(taker)
        loop.pass.ask()
    }

    /// A round. Also for answers of the hub that wait for one.
    func run() {
        let clock = loop.node.clock
        let until = clock.monotonicMicroseconds() + Self.round
        loop.shard.answerMore()
        let last = waiting.count
        while next < last {
            let taker = waiting[next]
            next += 1
            spent = 0
            taker.takeTurn()
            if clock.monotonicMicroseconds() >= until { break }
        }
        spent = 0
        if next == waiting.count {
            (waiting, next) = ([], 0)
        } else if next >= 1_024 {
            waiting.removeFirst(next)
            next = 0
        }
        if count > 0 || loop.shard.hasAnswers { loop.pass.ask() }
    }
}
