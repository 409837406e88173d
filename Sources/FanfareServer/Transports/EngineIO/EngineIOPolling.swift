import FanfareCore
import FanfareProtocols
import FanfareWire
import NIOCore

/// The transport of an Engine.IO client that began with polling: keeps what it is told for the next GET, gives it what POSTs bring, and
/// hands it to a WebSocket when it moves there. Requests reach it as they reach every session that outlives them (``SessionRelay``).
///
/// What it keeps are the frames of the WebSocket to which the client may move (``EngineIOFraming``): a GET's answer is made of them, and
/// with the upgrade they leave as they are, in their order. Lives on its client's event loop; after the upgrade it only says to requests
/// that the session has moved.
final class EngineIOPolling: ClientTransport, AddressedSession, WheelMember, TurnTaker {
    var client: Client?
    var wheelPlace = WheelPlace()
    let address: SessionAddress
    let loop: LoopState
    var machine = EngineIOStateMachine()
    /// Answers the poll that waits.
    var waiting: ((SessionReply) -> Void)? {
        didSet { loop.metrics.counters.add(.waitingPolls, (waiting == nil ? 0 : 1) - (oldValue == nil ? 0 : 1)) }
    }
    /// Packets that it can take.
    var maxPackets = Int.max
    /// What was handed over and no poll has fetched. Where a whole packet is among it, ``taken`` is there: else what goes to a socket later
    /// could be overtaken.
    var frames = EngineIOFrames()
    /// Tells the outbox that a poll has what it handed over; `nil`: nothing waits.
    var taken: EventLoopPromise<Void>?
    /// Whether the outbox is asked for more.
    var isGathering = false
    /// Whether its turn is on its way, and who else is answered then.
    var isTurnAwaited = false
    var owed: [() -> Void] = []
    var inbox: EngineIOInbox?
    var packets = EngineIOPackets()
    /// The WebSocket that is tried, or that has the client.
    var socket: EngineIOSocket?
    /// Its place among those whose client has not come back; -1: it has.
    private var halfOpenPlace = -1

    init(_ loop: LoopState, _ sid: SessionID) {
        self.loop = loop
        address = SessionAddress(engineIO: sid)
    }

    /// The handshake is answered.
    func begin() {
        guard let client, loop.sessions.add(self) else { return }
        client.begin(on: nil)
        loop.metrics.counters.add(.pollingSessions)
        loop.halfOpen.surplus?.giveWay()
        halfOpenPlace = loop.halfOpen.add(self)
        loop.metrics.counters.add(.halfOpenSessions)
        schedule(client.limits.handshakeTimeout)
    }

    func schedule(_ time: Duration) {
        loop.wheel.schedule(self, at: loop.node.clock.monotonicMicroseconds() + time.microseconds)
    }

    /// Its client has come back, or it has ended.
    func cameBack() {
        guard halfOpenPlace >= 0 else { return }
        loop.halfOpen.remove(halfOpenPlace)
        halfOpenPlace = -1
        loop.metrics.counters.add(.halfOpenSessions, -1)
        loop.wheel.cancel(self)
    }

    /// Ends it for one more that is half open.
    func giveWay() {
        loop.metrics.counters.add(.halfOpenCuts)
        client?.lost(.stale)
    }

    func deadlineReached(now: UInt64) {
        if client == nil {
            loop.sessions.remove(self)
        } else if !machine.isUsed {
            client?.lost(.stale)
        } else if let socket {
            socketEnded(socket)
            socket.dismiss()
        }
    }

    /// A pong that did not come is noticed by the wheel's next tick, and by whoever asks before.
    func endIfOverdue() {
        guard let client, isOverdue else { return }
        client.lost(.noPong)
    }

    var isOverdue: Bool {
        client?.isOverdue(now: loop.node.clock.monotonicMicroseconds()) == true
    }

    /// Once: the client is gone, and with it what it kept. Who waits is told in a turn of its own: a client also ends in a fan-out.
    func close() {
        guard let client else { return }
        cameBack()
        loop.metrics.counters.add(.pollingSessions, -1)
        loop.wheel.cancel(self)
        let (promise, answer, inbox, socket) = (taken, waiting, self.inbox, self.socket)
        (self.client, taken, waiting, self.inbox, self.socket) = (nil, nil, nil, nil, nil)
        frames = EngineIOFrames()
        machine.end()
        client.finish()
        promise?.fail(ChannelError.alreadyClosed)
        socket?.dismiss()
        if machine.phase == .ended(owesNoop: true), loop.sessions.keepsEnd(of: self) {
            schedule(EngineIOBounds.noopTime)
        } else {
            loop.sessions.remove(self)
        }
        if let inbox { owed.append { inbox.taken() } }
        if let answer { owed.append { answer(.gone) } }
        if !owed.isEmpty { awaitTurn() }
    }

    func closeOutput() { close() }
}
