import FanfareCore
import FanfareWire
import NIOCore

/// One WebSocket client on its event loop: the only handler of its pipeline after the upgrade, but for TLS.
///
/// Bytes come in here, become messages (`WebSocketReader`), then commands (a session) and then calls of hub and broker;
/// ready bytes from the hub go out through ``send(_:)``. Its extensions hold one subject each: `+Receive`, `+Send`,
/// `+Deadlines`, `+End`.
///
/// Lives on one event loop. Its one exit is ``finish()``, from `channelInactive`: there it leaves hub, wheel and loop.
final class ClientConnection: ChannelInboundHandler, HubMember, WheelMember {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    typealias Lane = DirectWriter

    /// Which protocol it speaks, as asked for by the path of its upgrade.
    enum Wire {
        /// A payload in, a payload out, on one channel.
        case raw(RawClient)
        /// The Centrifuge client protocol in JSON.
        case centrifuge(CentrifugeSession)
        /// Every message back to its sender.
        case echo
    }

    /// What follows our close frame.
    enum AfterClose {
        /// The peer's close frame, or a deadline.
        case awaitPeer
        /// The end of our half: the peer broke the protocol, and its close frame may never be understood.
        case endOutput
        /// The end of the connection: the peer closed first.
        case closeSocket
    }

    /// Where it is in its life.
    enum Phase {
        /// Waits for the broker before its upgrade is answered.
        case opening
        /// In session.
        case open
        /// Our close frame is out; what still comes in is thrown away.
        case closing
        /// Gone.
        case ended
    }

    let loop: LoopState
    /// The channel of a raw client and what it may do there.
    let raw: RawClient?
    /// The protocol state of a Centrifuge client.
    var session: CentrifugeSession?
    /// Released in ``finish()``.
    let wireFormat: WireFormat
    /// Size of its window for compressed messages, as a power of two; 0: it takes none.
    let deflateBits: UInt8
    var phase = Phase.opening
    var membership = HubMembership<ClientConnection>()
    var wheelPlace = WheelPlace()
    /// Index in the loop's list of sessions, -1 when not in it.
    var clientIndex = -1

    var context: ChannelHandlerContext?
    var writer: DirectWriter?
    var reader: WebSocketReader
    var outbox = Outbox()
    /// The newest publications of channels that keep only that, for when the outbox is empty; nothing for nearly all.
    var newest: [(channel: ChannelName, request: UInt32, frame: SplitFrame)] = []
    /// What this turn brought and is not written yet.
    var tick = PendingBytes()
    /// Whether publications are among it.
    var tickHasDeliveries = false
    /// Since when something has waited in the outbox, microseconds of the monotonic clock.
    var behindSince: UInt64 = 0

    var keepAlive = KeepAliveStateMachine()
    /// The next deadline of the phase, and the time at which a drain ends this client.
    var deadline: UInt64?
    var drainAt: UInt64?
    /// When the client has taken too little for too long; `nil` while nothing waits for it.
    var slowAt: UInt64?

    /// When the message that has begun must have ended.
    var messageDeadline: UInt64?
    /// Pings and pongs that it may still send.
    var controlFrames = RateLimit()
    /// How fast it may send the rest.
    var throttle = Throttle()
    /// Whether it is not read because it was too fast, and whether the log has that.
    var isThrottled = false
    var isThrottleLogged = false
    /// What its tokens need to be remembered; `nil` for a client without any.
    var tokens: ClientTokens?

    /// Commands that wait for the broker; at the limit the client is not read.
    var pendingCommands = 0
    /// Commands that came and are not begun.
    var commands = CommandQueue()
    /// Bytes of recovered publications that it has not taken.
    var recoveredBytes = 0
    /// Whether what came waits until other clients had their turn.
    var isTurnOver = false
    /// Whether it is not read, for whatever reason.
    var isPaused = false
    /// Whether it was not read already when the last bytes came: whoever is read nevertheless has ended.
    var isQuiet = false
    var afterClose = AfterClose.awaitPeer
    /// Whether it holds one of the places of the node's connection limit.
    var admitted = false
    /// Where it comes from, for the log.
    var address: ClientAddress?
    /// Its address, where it holds a place there.
    var addressParty: Party?
    /// Its user, with all clients of that user, where something is limited by user; it holds a place there.
    var party: Party?
    /// Completes the upgrade of a raw client when its subscription is answered.
    var onSubscribed: ((Result<SubscriptionStart, BrokerError>) -> Void)?

    init(loop: LoopState, wire: Wire, deflate: DeflateAgreement?) {
        self.loop = loop
        let isDeflated = deflate?.takesSharedFrames == true
        switch wire {
        case .raw(let client):
            raw = client
            wireFormat = isDeflated ? .rawWebSocketDeflate : .rawWebSocket
        case .centrifuge(let session):
            raw = nil
            self.session = session
            wireFormat = isDeflated ? .centrifugeJSONWebSocketDeflate : .centrifugeJSONWebSocket
        case .echo:
            raw = nil
            wireFormat = isDeflated ? .rawWebSocketDeflate : .rawWebSocket
        }
        deflateBits = UInt8(deflate?.serverWindowBits ?? 0)
        let limits = loop.node.configuration.limits
        reader = WebSocketReader(
            maxMessageBytes: limits.maxMessageBytes, maxFragments: limits.maxFragments, deflate: deflate)
        loop.node.formats.acquire(wireFormat)
    }

    deinit {
        precondition(membership.count == 0, "a client must leave the hub before it ends")
    }

    var limits: Limits { loop.node.configuration.limits }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        finish()
        self.context = nil
    }

    /// The upgrade is answered and this is the pipeline's only handler: begins the session.
    func begin() {
        guard phase == .opening, let context else { return }
        phase = .open
        loop.add(self)
        if let raw { loop.register(self, user: raw.identity?.user) }
        writer = DirectWriter(context.channel, enabled: loop.node.writesDirectly)
        openLane()
        startDeadlines()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        receive(unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isQuiet = isPaused
        loop.flush()
    }

    func channelInactive(context: ChannelHandlerContext) {
        takeLastTurn()
        finish()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        lost(.abnormal)
    }
}

/// What is different from raw client to raw client; shared by nobody, so that a client of another kind has none of it.
final class RawClient {
    let channel: ChannelName
    let rules: ChannelRules
    /// Whether it may publish there.
    let mayPublish: Bool
    /// What its token says; `nil`: it has none.
    let identity: ClientIdentity?
    /// By which others know it; `nil` where nobody asks.
    let clientID: String?

    init(
        channel: ChannelName, rules: ChannelRules, mayPublish: Bool, identity: ClientIdentity?, clientID: String? = nil
    ) {
        self.channel = channel
        self.rules = rules
        self.mayPublish = mayPublish
        self.identity = identity
        self.clientID = clientID
    }
}
