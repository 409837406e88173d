import FanfareAuth
import FanfareCore
import FanfareProtocols
import FanfareWire
import NIOCore

/// A client's tokens: checking them, and what happens when they expire.
extension Client {
    /// Whether the client's next commands wait: for a key, for the subscriptions of its token, for a read, or for others
    /// before them.
    var isHeldUp: Bool { tokens?.isWaiting == true || isReadingOrWaiting }

    func rememberTokens() -> ClientTokens {
        if let tokens { return tokens }
        let tokens = ClientTokens()
        self.tokens = tokens
        return tokens
    }

    /// Checks a token and tells the session; at once, unless its key has to be asked for.
    func authenticate(_ token: String, _ purpose: TokenPurpose) {
        guard let verifier = loop.node.tokens?.verifier else {
            loop.node.metrics.tokens.refusals.addShared(.unknownKey)
            return refused(.unknownKey)
        }
        guard !decide(token, purpose, verifier, .none) else { return }
        rememberTokens().isAskingForKey = true
        let (bound, eventLoop) = (NIOLoopBound(self, eventLoop: loop.eventLoop), loop.eventLoop)
        Task {
            let search = await verifier.learnKeys()
            eventLoop.execute {
                let client = bound.value
                client.tokens?.isAskingForKey = false
                guard client.isOpen else { return }
                _ = client.decide(token, purpose, verifier, search)
                client.received()
                client.loop.flush()
            }
        }
    }

    /// Whether there is a decision.
    private func decide(
        _ token: String, _ purpose: TokenPurpose, _ verifier: TokenVerifier, _ search: KeySearch
    ) -> Bool {
        switch purpose {
        case .connection:
            switch verifier.connection(token, after: search) {
            case .valid(let claims): accepted(claims)
            case .refused(let refusal): refused(refusal)
            case .undecided: return false
            }
        case .subscription:
            switch verifier.subscription(token, after: search) {
            case .valid(let claims): accepted { $0.authenticated(claims, now: $1) }
            case .refused(let refusal): refused(refusal)
            case .undecided: return false
            }
        }
        return true
    }

    private func accepted(_ claims: ConnectClaims) {
        if session.isAskingToConnect, !enter(user: claims.user) { return refuseUser() }
        accepted { $0.authenticated(claims, now: $1) }
    }

    /// Tells the session of a token that is good, if it is good for this, too.
    private func accepted(_ tell: (inout Session, TokenTime) -> Result<[SessionAction], TokenRefusal>) {
        let now = loop.node.clock.tokenTime
        let (hadBegun, user) = (session.hasBegun, session.user)
        switch tell(&session, now) {
        case .success(let actions):
            if !hadBegun, session.hasBegun { hasBegun() }
            // Who has begun without a token may say with a later one who it is.
            if hadBegun, session.user != user { loop.register(self, user: session.user) }
            for action in actions where isOpen { carryOut(action) }
            if isOpen { scheduleExpiry() }
        case .failure(let refusal):
            loop.node.metrics.tokens.refusals.addShared(refusal)
            refused(refusal)
        }
    }

    private func refused(_ refusal: TokenRefusal) {
        loop.node.logger.debug("token refused", metadata: ["reason": "\(refusal.label)"])
        tell { $0.refused(refusal) }
    }

    /// The client has said what it must say first: it can be asked for, and pings begin.
    func hasBegun() {
        loop.register(self, user: session.user)
        takeName()
        startKeepAlive(now: loop.node.clock.monotonicMicroseconds())
        scheduleExpiry()
    }

    /// Looks at expiries again at the right time, or in an hour. When the wall clock is set the loop has all look again.
    ///
    /// - Parameters:
    ///   - delay: microseconds on top, so that clients that have to go don't all go at once.
    ///   - least: seconds until then at least; 0: what has expired is due, however often a client makes the node look.
    func scheduleExpiry(delay: UInt64 = 0, least: Int64 = 0) {
        guard let left = session.secondsLeft(loop.node.clock.tokenTime, grace: grace) else {
            deadlines.expiry = ClientDeadlines.never
            return
        }
        let wait = UInt64(max(least, min(3_600, left)))
        deadlines.expiry = loop.node.clock.monotonicMicroseconds() + wait * 1_000_000 + delay
        reschedule()
    }

    /// A token has expired, and the time to refresh it is over.
    func expiryReached() {
        let actions = session.expire(loop.node.clock.tokenTime, grace: grace, isBehind: isBehind)
        for action in actions where isOpen { carryOut(action) }
        guard isOpen else { return }
        scheduleExpiry(least: 1)
        // What was given up makes room for more.
        if session.hasCommands { waitForTurn() }
    }

    private var grace: Int64 { Int64(limits.expiredGrace.components.seconds) }
}

/// What a client's tokens need to be remembered.
final class ClientTokens {
    /// Whether a token's key is being asked for.
    var isAskingForKey = false
    /// Publications that come before the first command is answered, while its subscriptions are on their way.
    var early: PendingBytes?
    /// Those among them that the session has yet to put together, and their bytes.
    var earlyFrames: [SplitFrame] = [] { didSet { if earlyFrames.isEmpty { earlyFrameBytes = 0 } } }
    var earlyFrameBytes = 0
    /// Subscriptions of the first command that are not begun; the last comes first.
    var starts: [SubscriptionRequest] = []
    /// The id of that command.
    var request: UInt32 = 0
    /// The one of them whose recovery is under way, and whether it may have one.
    var recovering: (channel: ChannelName, isAllowed: Bool)?
    /// Bytes that their recoveries may still bring.
    var recoveryLeft = 0

    /// Whether the client's next commands have to wait.
    var isWaiting: Bool { isAskingForKey || early != nil }
}
