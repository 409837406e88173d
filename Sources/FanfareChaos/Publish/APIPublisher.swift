import FanfareBench
import FanfareWire
import NIOCore
import NIOPosix

/// A backend: publishes to one channel through the server API of any node, one at a time, each until it is acknowledged,
/// with an idempotency key. Belongs to the run's event loop.
final class APIPublisher {
    private enum State {
        case idle
        /// Waits for its connection, and since when.
        case connecting(since: Int64)
        case asking(since: Int64)
        /// Something failed: tries again then.
        case waiting(until: Int64)
    }

    /// Publications that may be due and not sent; an outage does not end in a flood.
    private static let maximumDue = 60

    let channel: Int
    let index: Int
    private unowned let loop: ChaosLoop
    private var state = State.idle
    private var wire: HTTPWire?
    private var node: Int
    private var due = 0
    private var number = 0
    /// Where the last acknowledged one is.
    private(set) var position: Judge.Position?
    /// Whether `number` is not acknowledged yet.
    private var isOpen = false

    init(index: Int, channel: Int, loop: ChaosLoop) {
        self.index = index
        self.channel = channel
        self.loop = loop
        node = index
    }

    /// Whether everything that it began is acknowledged.
    var isDone: Bool { !isOpen && due == 0 }

    /// How many of its publications are acknowledged: all before.
    var acknowledged: Int { isOpen ? number - 1 : number }

    func add() {
        if due < Self.maximumDue { due += 1 }
        if case .idle = state { next() }
    }

    func step(_ now: Int64) {
        switch state {
        case .waiting(let until) where now >= until: ask()
        case .asking(let since) where now - since > loop.plan.publishTimeout.microsecondCount,
            .connecting(let since) where now - since > loop.plan.publishTimeout.microsecondCount:
            retry()
        default: break
        }
    }

    func end() {
        wire?.close()
        wire = nil
    }

    private func next() {
        guard due > 0 else { return state = .idle }
        due -= 1
        number += 1
        isOpen = true
        ask()
    }

    private func ask() {
        guard let wire, wire.isOpen else { return connect() }
        state = .asking(since: loop.now)
        let id = PublicationID(channel: channel, publisher: index, number: number)
        wire.post(
            "/api/publish",
            "{\"channel\":\"\(loop.name(channel))\",\"data\":\(id.data(run: loop.run)),"
                + "\"idempotency_key\":\"\(loop.run)-\(id)\"}")
    }

    private func connect() {
        state = .connecting(since: loop.now)
        let wire = HTTPWire(eventLoop: loop.eventLoop, port: loop.adminPorts[node % loop.adminPorts.count])
        self.wire = wire
        wire.connect { [unowned self, unowned wire] event in
            guard self.wire === wire else { return }
            switch event {
            case .open: ask()
            case .answer(let answer): answered(answer)
            case .closed: retry()
            }
        }
    }

    private func answered(_ answer: HTTPAnswer) {
        guard case .asking = state else { return }
        guard answer.status == 200, let result = JSONMembers(answer.body)?["result"] else {
            loop.counts.refusedPublishes += 1
            return retry()
        }
        let fields = JSONMembers(result.bytes)
        let position = fields?["offset"]?.unsigned64.map {
            Judge.Position(epoch: fields?["epoch"]?.string ?? "", offset: $0)
        }
        self.position = position
        loop.judge.acknowledged(PublicationID(channel: channel, publisher: index, number: number), at: position)
        isOpen = false
        next()
    }

    /// The same publication with the same key, at another node.
    private func retry() {
        wire?.close()
        wire = nil
        node += 1
        loop.counts.retries += 1
        state = .waiting(until: loop.now + Int64.random(in: 20_000...250_000, using: &loop.random))
    }
}
