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
        // The dear ones last, one after the other: their answers leave together, and each is told what is left for it.
        tokens.starts = starts.reversed().filter { $0.wish != .none } + starts.reversed().filter { $0.wish == .none }
        tokens.request = id
        tokens.recoveryLeft = HistoryPage.maximumBytes
        beginNext()
    }

    /// Goes on with these subscriptions: one with a recovery at a time.
    func beginNext() {
        guard let tokens, !tokens.starts.isEmpty, tokens.recovering == nil else { return }
        loop.flushHub()
        while isOpen, session.isConnecting, tokens.recovering == nil, let start = tokens.starts.popLast() {
            let isRecovered = start.wish == .none || tokens.recoveryLeft > 0 && mayRecover
            if start.wish != .none { tokens.recovering = (start.channel, isRecovered) }
            loop.shard.subscribe(
                self, to: start.channel, request: tokens.request, wish: isRecovered ? start.wish : .none)
        }
    }

    /// Holds a subscription of these against what may be recovered: beyond it the client begins anew in that channel.
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
        let action = session.subscribed(channel, id: request, start)
        guard session.hasBegun else { return carryOut(action) }
        let early = tokens?.early
        tokens?.early = nil
        carryOut(action)
        for piece in early?.pieces ?? [] { piece.isCredited ? answer(piece.bytes) : reply(piece.bytes) }
        guard isOpen else { return }
        hasBegun()
        if inbound.isPaused || isReadingOrWaiting { waitForTurn() }
    }

    /// Keeps a publication that comes before the first command is answered, which says where the channel begins.
    func holdBack(_ bytes: ByteBuffer) {
        let (waiting, isCredited) = (tokens?.early?.bytes ?? 0, loop.shard.isRepairing)
        guard waiting + bytes.readableBytes <= (isCredited ? Outbox.maximumCredit : limits.maxQueueBytes) else {
            return end(.slow, reason: "slow consumer: more than the queue takes came before the reply to connect")
        }
        tokens?.early?.append(bytes, isCredited: isCredited, join: &loop.join)
    }
}
