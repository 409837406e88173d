import FanfareCore
import FanfareWire
import Logging
import NIOCore

/// The link that hears: keeps Redis subscribed to what this node wants and hands publications to the event loops.
///
/// Lives on its own event loop, which does nothing else: Redis cuts a subscriber that lags 32 MB behind, so nothing here
/// waits for a client.
final class SubscriberLink: RedisLinkOwner {
    /// A wish of an event loop.
    enum Wish: Sendable {
        case subscribe(ChannelName, receiver: Int, ticket: UInt64)
        case unsubscribe(ChannelName, receiver: Int)
        /// Takes over a subscription that is in force elsewhere, without an answer.
        case adopt(ChannelName, receivers: [Int], position: StreamPosition?)
        /// The probe needs another name, with that hash tag.
        case probe(tag: String)
    }

    let link: RedisLink
    let configuration: RedisConfiguration
    let metrics: BrokerMetrics
    let formats: FormatTable
    let clock: NodeClock
    let linkStates: LinkStates
    let inbox: Mailbox<Wish>
    let receivers: [Mailbox<BrokerEvent>]
    let probe: ProbeChannel
    let rules: ChannelRulebook
    let pages: Mailbox<FollowedStreams.Answer>
    let onHearing: () -> Void
    let onRead: (FollowedStreams.Read) -> Void
    var subscriptions = SubscriptionStateMachine()
    var followed: FollowedStreams
    var losses = LossCounter()
    var checks: RepeatedTask?
    var names = ChannelNameCache()
    let prefix: [UInt8]
    let suffix: [UInt8]
    let onRedirect: (String) -> Void
    /// In a Redis Cluster: what was sent and is not answered.
    var sharded = ShardedCommands()
    var isRetrying = false
    /// What one read brought, by event loop.
    var bursts: [[BrokerEvent]]
    /// When the burst that is being read began.
    var burstAt: UInt64?
    var downSince: UInt64
    var isSynchronized = false
    /// Which right the user lacks, until the link has gone without a refusal for a while: whoever was refused tries again.
    var missingRight: String?
    var patience: Scheduled<Void>?
    /// What this link has added to the gauge of channels.
    var countedChannels = 0

    init(
        link: RedisLink, configuration: RedisConfiguration, metrics: BrokerMetrics, formats: FormatTable,
        clock: NodeClock, linkStates: LinkStates, inbox: Mailbox<Wish>, receivers: [Mailbox<BrokerEvent>],
        probe: ProbeChannel, rules: ChannelRulebook, pages: Mailbox<FollowedStreams.Answer>,
        onHearing: @escaping () -> Void, onRead: @escaping (FollowedStreams.Read) -> Void,
        onRedirect: @escaping (String) -> Void
    ) {
        self.link = link
        self.configuration = configuration
        self.metrics = metrics
        self.formats = formats
        self.clock = clock
        self.linkStates = linkStates
        self.inbox = inbox
        self.receivers = receivers
        self.probe = probe
        self.rules = rules
        self.pages = pages
        self.followed = FollowedStreams(metrics: metrics)
        self.onHearing = onHearing
        self.onRead = onRead
        self.onRedirect = onRedirect
        let affixes = configuration.pubSub.affixes(configuration.channelPrefix)
        self.prefix = Array(affixes.before.utf8)
        self.suffix = Array(affixes.after.utf8)
        self.bursts = Array(repeating: [], count: receivers.count)
        self.downSince = clock.monotonicMicroseconds()
    }

    func start() {
        link.start(owner: self)
        visitMailbox()
        if rules.hasHistory { startChecks() }
    }

    func stop() {
        checks?.cancel()
        patience?.cancel()
        link.stop()
        countChannels(0)
    }

    /// Drops the connection; a new one follows.
    func drop(_ reason: RedisLinkError) { link.drop(reason) }

    /// Takes the wishes that came since the last visit; they leave in one write.
    func visitMailbox() {
        for wish in inbox.take() {
            switch wish {
            case .subscribe(let channel, let receiver, let ticket):
                if let answer = subscriptions.subscribe(channel, receiver: receiver, ticket: ticket) {
                    answered(answer)
                }
            case .unsubscribe(let channel, let receiver):
                leave(channel, receiver: receiver)
            case .adopt(let channel, let receivers, let position):
                for receiver in receivers { subscriptions.adopt(channel, receiver: receiver) }
                if let position {
                    followed.adopt(channel, at: position)
                    // It may have been left and taken again within one visit: then no confirmation comes.
                    if subscriptions.isInForce(channel) { followed.confirmed(channel, []) }
                }
            case .probe(let tag):
                probe.rename(tag: tag)
                subscribeProbe()
            }
        }
        sendCommands()
        passOn()
    }

    /// Sends what came together: reads, and events for the event loops.
    func passOn() {
        for read in followed.takeReads() { onRead(read) }
        post()
        noteSynchronized()
    }

    func linkIsReady() {
        if link.connections > 1 { metrics.counters.addShared(.reconnects) }
        sharded.reset()
        subscribeProbe()
        subscriptions.linkIsUp()
        sendCommands()
        if missingRight == nil { linkStates.set(.subscribe, "subscribing to \(subscriptions.wantedCount) channels") }
        noteSynchronized()
    }

    func linkIsLost(_ problem: String) {
        if isSynchronized {
            isSynchronized = false
            downSince = clock.monotonicMicroseconds()
        }
        patience?.cancel()
        linkStates.set(.subscribe, missingRight ?? problem)
        linkStates.set(.probe, "no probe came back yet")
        probe.setHeard(false)
        for answer in subscriptions.linkIsLost() { gather(answer) }
        perform(followed.linkIsLost())
        post()
    }

    func received(_ reply: ReplyView) {
        if let error = reply.error {
            if configuration.pubSub == .sharded, isRedirect(error) { return }
            // Redis answers a refused SUBSCRIBE once for all its channels: which of them we have is unknown then.
            let command = configuration.pubSub.subscribe
            missingRight = RightsCheck.problem(error, of: command, prefix: configuration.channelPrefix)
            return link.drop(
                missingRight.map(RedisLinkError.missingRight)
                    ?? .refused(command: command, words: configuration.showing(error)))
        }
        guard let kind = reply[0]?.bytes, let name = reply[1]?.bytes else { return }
        switch PubSubKind.event(kind) {
        case .message:
            if let payload = reply[2]?.bytes { message(name, payload) }
        case .subscribed:
            if probe.isName(name) {
                sharded.subscribed(nil)
                probe.setHeard(true)
                onHearing()
            } else if let channel = channel(name) {
                sharded.subscribed(channel)
                confirmed(channel)
            }
        case .unsubscribed:
            if configuration.pubSub == .sharded { unsubscribed(name) }
        case nil:
            break
        }
    }

    func receivedBurst() {
        burstAt = nil
        passOn()
    }

    func noteSynchronized() {
        guard subscriptions.isSynchronized, followed.isSynchronized, !isSynchronized else { return }
        isSynchronized = true
        if missingRight == nil { linkStates.set(.subscribe, nil) } else { awaitRefusal() }
        let took = clock.monotonicMicroseconds() &- downSince
        metrics.resubscribe.recordShared(microseconds: Int(truncatingIfNeeded: took))
    }

    /// The user has the right now if the next refusal does not come.
    private func awaitRefusal() {
        let bound = NIOLoopBound(self, eventLoop: link.eventLoop)
        let time = TimeAmount.microseconds(Int64(configuration.probeInterval.microseconds))
        patience = link.eventLoop.scheduleTask(in: time) {
            bound.value.missingRight = nil
            bound.value.linkStates.set(.subscribe, nil)
        }
    }
}
