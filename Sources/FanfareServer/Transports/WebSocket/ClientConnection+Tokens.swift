import FanfareAuth
import FanfareCore
import FanfareWire
import NIOCore

/// A client's tokens: checking them, what waits meanwhile, and what happens when they expire.
extension ClientConnection {
    /// Whether the client's next commands wait: for a key, for the subscriptions of its token, for a read, or for others
    /// before them.
    var isHeldUp: Bool { tokens?.isWaiting == true || commands.isHeldUp }

    private func remember() -> ClientTokens {
        if let tokens { return tokens }
        let tokens = ClientTokens()
        self.tokens = tokens
        return tokens
    }

    /// Checks a token and tells the session; at once, unless its key has to be asked for.
    func authenticate(_ token: String, _ command: CentrifugeCommand) {
        guard let verifier = loop.node.tokens?.verifier else {
            loop.node.metrics.tokens.refusals.addShared(.unknownKey)
            return refused(command, .unknownKey)
        }
        guard !decide(token, command, verifier, .none) else { return }
        remember().isAskingForKey = true
        let (bound, eventLoop) = (NIOLoopBound(self, eventLoop: loop.eventLoop), loop.eventLoop)
        Task {
            let search = await verifier.learnKeys()
            eventLoop.execute {
                let client = bound.value
                client.tokens?.isAskingForKey = false
                guard client.phase == .open else { return }
                _ = client.decide(token, command, verifier, search)
                client.drainReader()
                client.loop.flush()
            }
        }
    }

    /// Whether there is a decision.
    private func decide(
        _ token: String, _ command: CentrifugeCommand, _ verifier: TokenVerifier, _ search: KeySearch
    ) -> Bool {
        if CentrifugeSession.isSubscription(command) {
            switch verifier.subscription(token, after: search) {
            case .valid(let claims): accepted(command, claims)
            case .refused(let refusal): refused(command, refusal)
            case .undecided: return false
            }
        } else {
            switch verifier.connection(token, after: search) {
            case .valid(let claims): accepted(command, claims)
            case .refused(let refusal): refused(command, refusal)
            case .undecided: return false
            }
        }
        return true
    }

    private func accepted(_ command: CentrifugeCommand, _ claims: ConnectClaims) {
        if let mismatch = session?.mismatch(claims) { return misfit(command, mismatch) }
        if case .connect = command.method, !enter(user: claims.user) { return refuseUser(command) }
        let now = loop.node.clock.tokenTime
        if case .connect = command.method {
            carryOut { $0.connect(command, claims, now: now) }
        } else {
            for action in session?.change({ $0.refresh(command, claims, now: now) }) ?? [] where phase == .open {
                carryOut { _ in action }
            }
        }
        if phase == .open { scheduleExpiry() }
    }

    private func accepted(_ command: CentrifugeCommand, _ claims: SubscriptionClaims) {
        if let mismatch = session?.mismatch(claims, command) { return misfit(command, mismatch) }
        let now = loop.node.clock.tokenTime
        carryOut { $0.subscribe(command, claims, now: now) }
        scheduleExpiry()
    }

    /// A token that is good, but not for this.
    private func misfit(_ command: CentrifugeCommand, _ refusal: TokenRefusal) {
        loop.node.metrics.tokens.refusals.addShared(refusal)
        refused(command, refusal)
    }

    private func refused(_ command: CentrifugeCommand, _ refusal: TokenRefusal) {
        loop.node.logger.debug("token refused", metadata: ["reason": "\(refusal.label)"])
        carryOut { $0.refused(command, refusal) }
    }

    /// The session has begun: pings, and what arrived before its reply.
    func connected() {
        loop.register(self, user: session?.user)
        startKeepAlive(now: loop.node.clock.monotonicMicroseconds())
        scheduleExpiry()
    }

    /// Subscribes to what the token says; what these channels bring waits until `connect` is answered.
    func begin(_ starts: [CentrifugeSession.ServerStart], id: UInt32) {
        loop.shard.setLane(self, nil)
        let tokens = remember()
        tokens.early = PendingBytes()
        // The dear ones last, one after the other: their answers leave together, and each is told what is left for it.
        tokens.starts = starts.reversed().filter { $0.wish != .none } + starts.reversed().filter { $0.wish == .none }
        tokens.request = id
        tokens.recoveryLeft = HistoryPage.maximumBytes
        beginNext()
    }

    /// Goes on with these subscriptions: one with a recovery at a time.
    func beginNext() {
        guard let tokens, !tokens.starts.isEmpty, tokens.recovering == nil else { return }
        loop.settle()
        while phase == .open, session?.isConnecting == true, tokens.recovering == nil,
            let start = tokens.starts.popLast()
        {
            let isRecovered = start.wish == .none || tokens.recoveryLeft > 0 && mayRecover
            if start.wish != .none { tokens.recovering = (start.channel, isRecovered) }
            loop.shard.subscribe(
                self, to: start.channel, request: tokens.request, wish: isRecovered ? start.wish : .none)
        }
    }

    /// Holds a subscription of `connect` against what may be recovered: beyond it the client begins anew in that channel.
    private func bounded(_ channel: ChannelName, _ start: SubscriptionStart) -> SubscriptionStart {
        guard let tokens, let recovering = tokens.recovering, recovering.channel == channel else { return start }
        tokens.recovering = nil
        var start = start
        tokens.recoveryLeft -= start.size
        if !recovering.isAllowed || !takeRecovery(start.size) {
            start.publications = []
            start.shared = nil
            start.isComplete = false
        }
        // Soon: this may be within the hub's walk over its waiters.
        if !tokens.starts.isEmpty { waitForTurn() }
        return start
    }

    /// One of these subscriptions is in force.
    func begun(_ channel: ChannelName, _ request: UInt32, _ start: SubscriptionStart) {
        let start = bounded(channel, start)
        guard let body = session?.subscribed(channel, id: request, start), session?.isConnected == true else { return }
        let early = tokens?.early
        tokens?.early = nil
        answer(consume body)
        for piece in early?.pieces ?? [] { piece.isCredited ? answer(piece.bytes) : reply(piece.bytes) }
        guard phase == .open else { return }
        connected()
        if isPaused || commands.isHeldUp { waitForTurn() }
    }

    /// Keeps a publication that comes before the reply to `connect`, which says where the channel begins.
    func holdBack(_ bytes: ByteBuffer) {
        let (waiting, isCredited) = (tokens?.early?.bytes ?? 0, loop.shard.isRepairing)
        guard waiting + bytes.readableBytes <= (isCredited ? Outbox.maximumCredit : limits.maxQueueBytes) else {
            return end(.slow, reason: "slow consumer: more than the queue takes came before the reply to connect")
        }
        tokens?.early?.append(bytes, isCredited: isCredited, join: &loop.join)
    }

    /// Looks at expiries again at the right time, or in an hour. When the wall clock is set the loop has all look again.
    ///
    /// - Parameter delay: microseconds on top, so that clients that have to go don't all go at once.
    func scheduleExpiry(delay: UInt64 = 0) {
        let now = loop.node.clock.tokenTime
        guard let left = raw?.identity?.expiry?.left(now) ?? session?.secondsLeft(now) else {
            tokens?.expiryAt = nil
            return
        }
        let wait = max(1, min(3_600, left.addingClamped(grace)))
        remember().expiryAt = loop.node.clock.monotonicMicroseconds() + UInt64(wait) * 1_000_000 + delay
        reschedule()
    }

    /// A token has expired, and the time to refresh it is over.
    func expiryReached() {
        let (now, grace) = (loop.node.clock.tokenTime, grace)
        if let expiry = raw?.identity?.expiry, expiry.left(now) <= 0 { return end(.expired) }
        let actions = session?.change { $0.expire(now, grace: grace) } ?? []
        for action in actions where phase == .open { carryOut { _ in action } }
        if phase == .open { scheduleExpiry() }
    }

    /// A raw client has no command to refresh its token.
    private var grace: Int64 { raw == nil ? Int64(limits.expiredGrace.components.seconds) : 0 }
}

/// What a client's tokens need to be remembered.
final class ClientTokens {
    /// When to look at the expiry of tokens.
    var expiryAt: UInt64?
    /// Whether a token's key is being asked for.
    var isAskingForKey = false
    /// Publications that come before the reply to `connect`, while its subscriptions are on their way.
    var early: PendingBytes?
    /// Subscriptions of a `connect` that are not begun; the last comes first.
    var starts: [CentrifugeSession.ServerStart] = []
    /// The id of that `connect`.
    var request: UInt32 = 0
    /// The one of them whose recovery is under way, and whether it may have one.
    var recovering: (channel: ChannelName, isAllowed: Bool)?
    /// Bytes that their recoveries may still bring.
    var recoveryLeft = 0

    /// Whether the client's next commands have to wait.
    var isWaiting: Bool { isAskingForKey || early != nil }
}
