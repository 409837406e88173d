import FanfareCore
import Logging
import NIOCore

/// What uses a link of emitters; called on its event loop.
protocol EmitterLinkOwner: AnyObject {
    /// Something was published.
    func received(_ message: EmitterListener.Message)
    /// The first mark since the link was made; of a silent one, the first of this node's, which another link made.
    func linkHears(_ link: EmitterLink)
    /// The subscribing link is lost, or can't be had; another try follows by itself.
    func linkIsLost(_ link: EmitterLink, wasReady: Bool)
    /// The nodes of the Redis Cluster, as this one knows them.
    func found(_ nodes: [RedisEndpoint])
}

/// Hears what emitters publish to one Redis: one link subscribes, another publishes marks, by which nodes agree on messages' names
/// (``EmitterMarks``), and which show that the first still hears.
///
/// Lives on one event loop.
final class EmitterLink {
    /// What is listened to.
    struct Interest: Sendable {
        var patterns: [String]
        var channels: [String]
    }

    private let interest: Interest
    private let mark: String
    private let configuration: RedisConfiguration
    private let subscriber: RedisLink
    private let publisher: RedisLink
    private let node: UInt32
    private let metrics: CounterBlock<SharedCounter>
    private weak var owner: (any EmitterLinkOwner)?
    /// Whether it only listens, to marks.
    private var isSilent: Bool
    /// Whether the owner was told that it hears.
    private var hears = false
    /// Whether this is a node of a Redis Cluster, which knows the others.
    private let isOfCluster: Bool
    private var marks = EmitterMarks()
    private var peers: EmitterPeers
    private var ticks: [RepeatedTask] = []
    /// When this thread was last known to run.
    private var aliveAt = EmitterLink.now
    /// When Redis refused to let the node listen; `nil`: it did not.
    private var refusedAt: UInt64?
    private var wasReady = false
    /// Confirmations that have not come.
    private var missing = 0
    /// Marks that were sent since one was heard.
    private var unheard = 0
    private var isCounted = false
    private lazy var voice = Voice(self)

    /// - Parameters:
    ///   - configuration: of this Redis alone.
    ///   - isOfCluster: whether it is a node of a Redis Cluster, which knows the others.
    ///   - node: the node's id, which its marks bear.
    ///   - isSilent: whether it hands nothing over and makes no marks until ``speak()``.
    init(
        _ interest: Interest, configuration: RedisConfiguration, isOfCluster: Bool, node: UInt32, nodeName: String,
        eventLoop: any EventLoop, metrics: CounterBlock<SharedCounter>, logger: Logger, isSilent: Bool
    ) {
        self.interest = interest
        self.configuration = configuration
        self.node = node
        peers = EmitterPeers(own: node, lifetime: 3 * UInt64(configuration.probeInterval.microseconds))
        self.metrics = metrics
        self.isOfCluster = isOfCluster
        self.isSilent = isSilent
        // No channel of clients has this name: `*` is in none.
        mark = configuration.channelPrefix + "*emitters"
        subscriber = RedisLink(
            name: "emitters", nodeName: nodeName, configuration: configuration, eventLoop: eventLoop, logger: logger)
        publisher = RedisLink(
            name: "emitters-mark", nodeName: nodeName, configuration: configuration, eventLoop: eventLoop,
            logger: logger)
    }

    func start(owner: any EmitterLinkOwner) {
        self.owner = owner
        subscriber.start(owner: self)
        publisher.start(owner: voice)
        let bound = NIOLoopBound(self, eventLoop: subscriber.eventLoop)
        let period = TimeAmount.microseconds(Int64(configuration.probeInterval.microseconds))
        ticks = [
            subscriber.eventLoop.scheduleRepeatedTask(initialDelay: period, delay: period) { _ in bound.value.tick() },
            subscriber.eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
                _ = bound.value.isAlive()
            },
        ]
    }

    private static var now: UInt64 { NodeClock.system.monotonicMicroseconds() }

    /// For how long this thread may have stood still, in microseconds: well below the time for which Redis knows names.
    private static let pause: UInt64 = 10_000_000
    /// How long to wait after a refusal, in microseconds.
    private static let refusal: UInt64 = 5_000_000

    /// Notes that the thread runs. A process that was stopped hears all that waited for it, marks among it, and would give old messages
    /// the names that Redis has forgotten by now: it begins anew.
    ///
    /// - Returns: false: it had stood still, and the link is dropped.
    private func isAlive() -> Bool {
        let now = Self.now
        defer { aliveAt = now }
        guard now &- aliveAt > Self.pause else { return true }
        subscriber.drop(.silent)
        return false
    }

    /// A silent link is one as any other from now on.
    func speak() {
        isSilent = false
        count(hears && subscriber.isReady)
        sendMark()
    }

    /// - Parameter saysFarewell: whether the node hears no more; else it does so at another place.
    func stop(saysFarewell: Bool = true) {
        for task in ticks { task.cancel() }
        if saysFarewell, isCounted, publisher.isReady { publish(EmitterMarks.farewell(node)) }
        owner = nil
        subscriber.stop()
        publisher.stop()
        count(false)
    }

    /// A mark now and then; where two did not come back the links are dropped: either may be the one that hangs.
    private func tick() {
        peers.expire(now: Self.now)
        askNodes()
        if let refusedAt, subscriber.isReady, Self.now &- refusedAt >= Self.refusal { subscribe() }
        guard subscriber.isReady, publisher.isReady, missing == 0 else { return }
        guard unheard < 2 else {
            publisher.drop(.silent)
            return subscriber.drop(.silent)
        }
        sendMark()
    }

    fileprivate func sendMark() {
        guard !isSilent, missing == 0, subscriber.isReady, publisher.isReady else { return }
        unheard += 1
        publish(EmitterMarks.make(node))
    }

    private func publish(_ text: String) {
        var bytes = ByteBuffer()
        RedisCommand.write(["PUBLISH", mark, text], into: &bytes)
        publisher.write(bytes)
    }

    fileprivate func askNodes() {
        guard isOfCluster, publisher.isReady else { return }
        var bytes = ByteBuffer()
        RedisCommand.write(["CLUSTER", "SLOTS"], into: &bytes)
        publisher.write(bytes)
    }

    /// An answer on the publishing link: how many heard a mark, or which nodes there are.
    fileprivate func answered(_ reply: ReplyView) {
        guard isOfCluster, case .host(let host, let port) = configuration.address,
            let map = ClusterMap(RedisValue(reply), asked: RedisEndpoint(host: host, port: port))
        else { return }
        owner?.found(map.nodes)
    }

    private func count(_ isListening: Bool) {
        guard isCounted != isListening else { return }
        isCounted = isListening
        metrics.addShared(.emitterLinks, isListening ? 1 : -1)
    }
}

extension EmitterLink: RedisLinkOwner {
    func linkIsReady() {
        marks.lost()
        unheard = 0
        wasReady = true
        subscribe()
    }

    private func subscribe() {
        refusedAt = nil
        missing = 1 + interest.channels.count + interest.patterns.count
        var bytes = ByteBuffer()
        RedisCommand.write(["SUBSCRIBE", mark] + interest.channels, into: &bytes)
        if !interest.patterns.isEmpty { RedisCommand.write(["PSUBSCRIBE"] + interest.patterns, into: &bytes) }
        subscriber.write(bytes)
    }

    func linkIsLost(_ problem: String) {
        marks.lost()
        missing = 0
        refusedAt = nil
        count(false)
        owner?.linkIsLost(self, wasReady: wasReady)
        wasReady = false
    }

    func received(_ reply: ReplyView) {
        if let error = reply.error {
            // The link is good: its user may not listen, and another link would be told the same.
            refusedAt = Self.now
            return subscriber.note(refusal: error)
        }
        guard isAlive(), let kind = reply[0]?.bytes else { return }
        if kind.elementsEqual("message".utf8) {
            if let channel = reply[1]?.bytes, let payload = reply[2]?.bytes { message(channel, payload) }
        } else if kind.elementsEqual("pmessage".utf8) {
            if let channel = reply[2]?.bytes, let payload = reply[3]?.bytes { message(channel, payload) }
        } else if missing > 0, refusedAt == nil {
            missing -= 1
            if missing == 0 { sendMark() }
        }
    }

    private func message(_ channel: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer) {
        guard !channel.elementsEqual(mark.utf8) else {
            // A mark of any node is as good; one that is none names nothing. Until all subscriptions are in force messages may be
            // missing behind it.
            guard missing == 0, let maker = EmitterMarks.node(of: payload) else { return }
            guard payload.last != UInt8(ascii: ".") else { return peers.left(maker) }
            peers.heard(maker, now: aliveAt)
            marks.heard(String(decoding: payload, as: UTF8.self))
            unheard = 0
            count(!isSilent)
            // A silent link makes none: what it hears of this node was said at another address.
            if !hears, !isSilent || maker == node {
                hears = true
                owner?.linkHears(self)
            }
            return
        }
        guard !isSilent else { return }
        let name = marks.name(channel, payload)
        let isTooBig = payload.count > configuration.maxPayloadBytes
        owner?.received(
            EmitterListener.Message(
                channel: String(decoding: channel, as: UTF8.self), name: name, isOurs: peers.publishes,
                payload: isTooBig ? nil : ByteBuffer(bytes: payload)))
        if marks.wantsMark, unheard == 0 { sendMark() }
    }

    func receivedBurst() {}

    /// The link that publishes marks.
    private final class Voice: RedisLinkOwner {
        private unowned let link: EmitterLink

        init(_ link: EmitterLink) { self.link = link }

        func linkIsReady() {
            if !link.marks.isMarked { link.sendMark() }
            link.askNodes()
        }

        func linkIsLost(_ problem: String) {}

        func received(_ reply: ReplyView) {
            if let error = reply.error { link.publisher.note(refusal: error) } else { link.answered(reply) }
        }

        func receivedBurst() {}
    }
}
