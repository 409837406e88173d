import NIOCore

/// Clients of one event loop that have more to do than one turn allows.
///
/// They go on in their order, some together, and then the sockets are looked at: whoever runs on with `execute` alone keeps
/// NIO from its selector, for it looks there only when no task is left. So a round begins a moment later than it could.
final class TurnQueue {
    /// Before a round, or the next visit of the loop's mailboxes: long enough that NIO sees the sockets first, short beside
    /// a turn.
    static let pause = TimeAmount.microseconds(50)
    /// Microseconds after which a round ends, and the rest waits for the next.
    private static let round: UInt64 = 1_000

    private unowned let loop: LoopState
    private var clients: [ClientConnection] = []
    private var next = 0
    private var isScheduled = false

    init(_ loop: LoopState) { self.loop = loop }

    /// Clients that wait.
    var count: Int { clients.count - next }

    /// Adds a client behind the others.
    func add(_ client: ClientConnection) {
        clients.append(client)
        schedule()
    }

    /// Has a round soon: the hub has answers that wait for one.
    func schedule() {
        guard !isScheduled else { return }
        isScheduled = true
        let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
        loop.eventLoop.scheduleTask(in: Self.pause) { bound.value.run() }
    }

    private func run() {
        isScheduled = false
        let clock = loop.node.clock
        let until = clock.monotonicMicroseconds() + Self.round
        loop.shard.answerMore()
        let last = clients.count
        while next < last {
            let client = clients[next]
            next += 1
            client.takeTurn()
            if clock.monotonicMicroseconds() >= until { break }
        }
        if next == clients.count {
            (clients, next) = ([], 0)
        } else if next >= 1_024 {
            clients.removeFirst(next)
            next = 0
        }
        loop.flush()
        if count > 0 || loop.shard.hasAnswers { schedule() }
    }
}
