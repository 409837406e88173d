import FanfareCore
import FanfareProtocols
import FanfareWire
import NIOCore

/// One client on its event loop, whatever carries it: what it says, what it hears, how long it has for what, how it ends.
///
/// Its transport pulls messages out of the bytes of its socket and puts frames around what leaves; its session decides what a
/// message means; hub and broker do it. Ready bytes from the hub go out through ``send(_:)``. Its extensions hold one subject
/// each.
///
/// Lives on one event loop. Its one exit is ``finish()``: there it leaves hub, wheel and loop.
final class Client: HubMember, WheelMember {
    typealias Lane = DirectWriter

    let loop: LoopState
    /// Released in ``finish()``.
    let wireFormat: WireFormat
    /// What carries it; `nil` when it has ended.
    var transport: (any ClientTransport)?
    /// What it may say, and what that means.
    var session: Session
    var life = ClientLife()
    var membership = HubMembership<Client>()
    var wheelPlace = WheelPlace()
    /// Index in the loop's list of clients, -1 when not in it.
    var clientIndex = -1

    /// The short way to its socket.
    var writer: DirectWriter?
    var outbound = Outbound()
    var inbound = Inbound()
    var deadlines = ClientDeadlines()
    var keepAlive = KeepAliveStateMachine()
    var places = ClientPlaces()
    /// What its tokens need to be remembered; `nil` for a client without any.
    var tokens: ClientTokens?
    /// Hears of subscriptions that the client's request waits for, instead of its session.
    var opening: ClientOpening?
    /// Whether the hub may write to its socket past this class: not where the transport changes each frame.
    private(set) var mayHaveLane = true

    /// What waits for the client, and what this turn brought.
    struct Outbound {
        /// What it has not taken yet.
        var outbox = Outbox()
        /// What this turn brought and is not written yet.
        var turn = PendingBytes()
        /// Whether publications are among that.
        var turnHasDeliveries = false
        /// The newest publications of channels that keep only that, for when the outbox is empty; nothing for nearly all.
        var newest: [(channel: ChannelName, request: UInt32, frame: SplitFrame)] = []
        /// Since when something has waited in the outbox, microseconds of the monotonic clock.
        var behindSince: UInt64 = 0
    }

    /// How much of what the client sends is heard, and when.
    struct Inbound {
        /// How fast it may send.
        var throttle = Throttle()
        /// Whether it is not read because it was too fast, and whether the log has that.
        var isThrottled = false
        var isThrottleLogged = false
        /// What it has the broker read.
        var reads = ReadGate()
        /// Publishes that wait for the broker; at the limit the client is not read.
        var pendingPublishes = 0
        /// Whether what came waits until other clients had their turn.
        var isTurnOver = false
        /// Whether it is not read, for whatever reason.
        var isPaused = false
    }

    /// - Parameter wireFormat: how publications read to it.
    init(loop: LoopState, session: Session, transport: any ClientTransport, wireFormat: WireFormat) {
        self.loop = loop
        self.session = session
        self.transport = transport
        self.wireFormat = wireFormat
        loop.node.formats.acquire(wireFormat)
    }

    deinit {
        precondition(membership.count == 0, "a client must leave the hub before it ends")
    }

    var limits: Limits { loop.node.configuration.limits }
    var isOpen: Bool { life.phase == .open }

    /// The request is answered, or will be with what comes: begins the session.
    ///
    /// - Parameter channel: where bytes may be written directly, if the configuration wants that; `nil`: all go through the
    ///   transport.
    func begin(on channel: (any Channel)?) {
        guard life.begin() else { return }
        mayHaveLane = transport?.changesFrames != true
        loop.add(self)
        if session.hasBegun { loop.register(self, user: session.user) }
        writer = channel.flatMap { channel in
            // Not every channel can be asked what waits in it: a stream of HTTP/2 can't.
            guard loop.node.writesDirectly, !Self.hasUnsent(channel) else { return nil }
            return DirectWriter(channel, enabled: true)
        }
        openLane()
        startDeadlines()
    }

    /// Whether answers to requests before this one wait in NIO for the socket: what went past NIO would overtake them.
    private static func hasUnsent(_ channel: any Channel) -> Bool {
        let unsent = try? channel.syncOptions?.getOption(.bufferedWritableBytes)
        return (unsent ?? 0) > 0
    }
}
