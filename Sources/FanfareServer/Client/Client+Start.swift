import FanfareCore
import FanfareProtocols
import FanfareWire
import NIOCore

/// Subscriptions that begin with the session because its token says so: what they bring waits until the first command is
/// answered.
extension Client {
    /// Subscribes to all of them.
    func begin(_ starts: [SubscriptionRequest], id: UInt32) {
        loop.shard.setLane(self, nil)
        let tokens = rememberTokens()
        tokens.early = PendingBytes()
        // The dear ones later, one after the other: their answers leave together, and each is told what is left for it.
        let (later, first) = (starts.reversed().filter(\.isLast), starts.reversed().filter { !$0.isLast })
        tokens.starts = later + first.filter { $0.wish != .none } + first.filter { $0.wish == .none }
        tokens.request = id
        tokens.recoveryLeft = HistoryPage.maximumBytes
        // Later it may have all that it missed. Asked once: what its own first channels cost does not take the others from it.
        if let wish = tokens.starts.last(where: { $0.wish != .none }), isAddressInDebt {
            return subscribeFailed(wish.channel, request: wish.request ?? id, .overloaded)
        }
        beginNext()
    }

    /// Goes on with these subscriptions: one with a recovery at a time.
    func beginNext() {
        guard let tokens, !tokens.starts.isEmpty, tokens.recovering == nil else { return }
        loop.flushHub()
        while isOpen, session.isConnecting, tokens.recovering == nil, let start = tokens.starts.popLast() {
            let isRecovered = start.wish == .none || tokens.recoveryLeft > 0 && hasRecoveryRoom
            if start.wish != .none { tokens.recovering = (start.channel, isRecovered) }
            subscribe(start, request: start.request ?? tokens.request, wish: isRecovered ? start.wish : .none)
        }
    }

    /// Holds a subscription of these against what may be recovered: beyond it the client begins anew in that channel.
    private func bounded(_ channel: ChannelName, _ request: UInt32, _ start: SubscriptionStart) -> SubscriptionStart {
        guard let tokens, let recovering = tokens.recovering, recovering.channel == channel else { return start }
        tokens.recovering = nil
        var start = start
        let size = session.size(of: start, request: request)
        tokens.recoveryLeft -= size
        if !recovering.isAllowed || !takeRecovery(size, of: start) {
            start.publications = []
            start.shared = nil
            start.isComplete = false
        }
        // Soon: this may be within the hub's walk over its waiters.
        if !tokens.starts.isEmpty { waitForTurn() }
        return start
    }

    /// Ends one of the client's subscriptions to the channel, or lets one of these not begin.
    func leave(_ channel: ChannelName, _ request: UInt32) {
        if let index = tokens?.starts.firstIndex(where: { $0.request == request && $0.channel == channel }) {
            tokens?.starts.remove(at: index)
        } else {
            loop.shard.unsubscribe(self, from: channel, request: request)
            recoveryLeft(channel, request)
        }
    }

    /// Ends all of the client's subscriptions to the channel.
    func leave(_ channel: ChannelName) {
        let request = inbound.reads.recovery.flatMap { membership.contains(channel, request: $0) ? $0 : nil }
        loop.shard.unsubscribe(self, from: channel)
        recoveryLeft(channel, request)
    }

    /// A subscription whose recovery may be on its way has ended, and the hub answers nobody: what waits for that answer goes on.
    private func recoveryLeft(_ channel: ChannelName, _ request: UInt32?) {
        if let request { recoveryEnded(request) }
        guard let tokens, tokens.recovering?.channel == channel, !membership.contains(channel) else { return }
        tokens.recovering = nil
        if !tokens.starts.isEmpty { waitForTurn() }
    }

    /// One of these subscriptions is in force.
    func begun(_ channel: ChannelName, _ request: UInt32, _ start: SubscriptionStart) {
        let start = bounded(channel, request, start)
        let hadBegun = session.hasBegun
        let action = session.subscribed(channel, id: request, start)
        loop.commands.subscribed(self, channel, isWhole: start.isComplete)
        goOn(with: action, hadBegun)
        // A backend's may be for a while, and comes while a namespace of the client connects.
        if isOpen, hadBegun { scheduleExpiry() }
    }

    /// Sends the next part of what it missed, where that is more than one turn has.
    func catchUp() {
        guard session.isCatchingUp else { return }
        let hadBegun = session.hasBegun
        goOn(with: session.catchUp(), hadBegun)
    }

    /// A backend may take the namespace away that a client is being brought up to date in: what waited for that follows then.
    func endStart() {
        guard isOpen, tokens?.early != nil, !session.isConnecting else { return }
        goOn(with: .none, true)
    }

    /// Does what the session wants; with its last part what came meanwhile follows.
    private func goOn(with action: consuming SessionAction, _ hadBegun: Bool) {
        guard !session.isConnecting else {
            carryOut(action)
            if isOpen, session.isCatchingUp { waitForTurn() }
            return
        }
        let (early, earlyFrames) = (tokens?.early, tokens?.earlyFrames ?? [])
        tokens?.early = nil
        tokens?.earlyFrames = []
        carryOut(action)
        for piece in early?.pieces ?? [] { piece.isCredited ? answer(piece.bytes) : reply(piece.bytes) }
        for frame in earlyFrames { enqueue(frame) }
        guard isOpen else { return }
        if !hadBegun { hasBegun() }
        if inbound.isPaused || isReadingOrWaiting { waitForTurn() }
    }

    /// As ``holdBack(_:)-(ByteBuffer)`` of a frame that is this client's own: what the reply says decides how it reads.
    func holdBack(_ frame: SplitFrame) {
        let waiting = (tokens?.early?.bytes ?? 0) + (tokens?.earlyFrameBytes ?? 0)
        guard waiting + frame.readableBytes <= limits.maxQueueBytes else {
            return end(.slow, reason: Self.tooEarly)
        }
        tokens?.earlyFrames.append(frame)
        tokens?.earlyFrameBytes += frame.readableBytes
    }

    private static let tooEarly = "slow consumer: more than the queue takes came before the reply to connect"

    /// Keeps a publication that comes before the first command is answered, which says where the channel begins.
    func holdBack(_ bytes: ByteBuffer) {
        let (waiting, isCredited) = (tokens?.early?.bytes ?? 0, loop.shard.isRepairing)
        guard waiting + bytes.readableBytes <= (isCredited ? Outbox.maximumCredit : limits.maxQueueBytes) else {
            return end(.slow, reason: Self.tooEarly)
        }
        tokens?.early?.append(bytes, isCredited: isCredited, join: &loop.join)
    }
}
