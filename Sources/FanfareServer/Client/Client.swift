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

    // Small ones stand behind those that leave a gap: a node has as many of these as clients (D137 in docs/decisions.md).
    let loop: LoopState
    /// What carries it; `nil` when it has ended.
    var transport: (any ClientTransport)?
    /// What it may say, and what that means.
    var session: Session
    var membership = HubMembership<Client>()
    /// Index in the loop's list of clients, -1 when not in it.
    var clientIndex: Int32 = -1
    /// The last of the loop's commands for rooms that found it.
    var commandStamp: UInt32 = 0
    var wheelPlace = WheelPlace()
    /// Released in ``finish()``.
    let wireFormat: WireFormat
    var life = ClientLife()

    var outbound = Outbound()
    var inbound = Inbound()
    /// The short way to its socket.
    var writer: DirectWriter?
    /// Whether the hub may write to its socket past this class: not where the transport changes each frame.
    var mayHaveLane = true
    /// As what it is counted; ``move(to:)`` changes it.
    var kind: ClientKind
    var deadlines = ClientDeadlines()
    var keepAlive = KeepAliveStateMachine()
    var places = ClientPlaces()
    /// What its tokens need to be remembered; `nil` for a client without any.
    var tokens: ClientTokens?
    /// Hears of subscriptions that the client's request waits for, instead of its session.
    var opening: ClientOpening?
    /// Formats that it uses beside ``wireFormat``, each once: nothing for nearly all. Released in ``finish()``.
    var formats: [(name: ExactText, format: WireFormat)] = []

    /// What waits for the client, and what this turn brought.
    struct Outbound {
        /// What it has not taken yet.
        var outbox = Outbox()
        /// What this turn brought and is not written yet.
        var turn = PendingBytes()
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
        /// Whether what came waits until other clients had their turn.
        var isTurnOver = false
        /// What it has the broker read.
        var reads = ReadGate()
        /// Whether it is not read, for whatever reason.
        var isPaused = false
        /// Publishes that wait for the broker; at the limit the client is not read.
        var pendingPublishes: Int32 = 0
    }

    /// - Parameter wireFormat: how publications read to it.
    init(loop: LoopState, session: Session, transport: any ClientTransport, wireFormat: WireFormat) {
        self.loop = loop
        self.session = session
        self.transport = transport
        self.wireFormat = wireFormat
        kind = ClientKind(session.name, over: transport.name)
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
        if transport?.changesFrames == true { mayHaveLane = false }
        loop.add(self)
        if session.hasBegun { loop.register(self, user: session.user) }
        writer = channel.flatMap { directWriter(of: $0) }
        openLane()
        startDeadlines()
    }

    /// The short way to a channel's socket; `nil`: it can't be had.
    func directWriter(of channel: any Channel) -> DirectWriter? {
        // Not every channel can be asked what waits in it: a stream of HTTP/2 can't.
        guard loop.node.writesDirectly, !Self.hasUnsent(channel) else { return nil }
        return DirectWriter(channel, enabled: true)
    }

    /// Whether answers to requests before this one wait in NIO for the socket: what went past NIO would overtake them.
    private static func hasUnsent(_ channel: any Channel) -> Bool {
        let unsent = try? channel.syncOptions?.getOption(.bufferedWritableBytes)
        return (unsent ?? 0) > 0
    }
}
