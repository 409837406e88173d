import FanfareCore
import Logging
import NIOCore
import NIOPosix

/// What uses a link; called on the link's event loop.
protocol RedisLinkOwner: AnyObject {
    /// Redis has let us in.
    func linkIsReady()
    /// The link is gone, or a try failed; another one follows by itself.
    func linkIsLost(_ problem: String)
    /// A reply, or a message of a subscription.
    func received(_ reply: ReplyView)
    /// All replies of one read were handed over.
    func receivedBurst()
}

/// One connection to Redis that comes back by itself: connect, log in, hand over replies, and again after a loss.
///
/// Lives on one event loop; only `init` may run elsewhere.
final class RedisLink {
    private enum State {
        case idle
        case connecting
        /// Logged in as far as `LinkHandler` knows.
        case up(any Channel, isReady: Bool)
        case waiting
        case stopped
    }

    let name: String
    let eventLoop: any EventLoop
    private let configuration: RedisConfiguration
    private let connector: RedisConnector
    /// With sentinels: finds the master, and whether it moved.
    private let watch: MasterWatch?
    private let logger: Logger
    private weak var owner: (any RedisLinkOwner)?
    private var state = State.idle
    private var backoff: Backoff
    private var problem: String?
    private var refusals = LogThrottle(interval: .seconds(10))
    /// The present connection, or try. NIOSSL goes on delivering after a close until the peer has answered it: what an
    /// earlier connection still says is not heard.
    private var connection = 0
    /// Times that the link came up.
    private(set) var connections = 0

    init(
        name: String, nodeName: String, configuration: RedisConfiguration, eventLoop: any EventLoop, logger: Logger
    ) {
        self.name = name
        self.eventLoop = eventLoop
        self.configuration = configuration
        let connector = RedisConnector(configuration: configuration, clientName: "fanfare-\(nodeName)-\(name)")
        self.connector = connector
        self.watch = MasterWatch(configuration: configuration, clientName: connector.clientName, eventLoop: eventLoop)
        self.logger = logger
        self.backoff = Backoff(watch == nil ? configuration.backoff : MasterWatch.backoff(configuration.backoff))
    }

    /// Connects, and from then on keeps connected.
    func start(owner: any RedisLinkOwner) {
        self.owner = owner
        connect()
    }

    /// Whether commands can be written.
    var isReady: Bool {
        if case .up(_, isReady: true) = state { return true }
        return false
    }

    /// Sends commands; nothing happens when the link is down.
    func write(_ bytes: ByteBuffer) {
        guard case .up(let channel, isReady: true) = state else { return }
        channel.writeAndFlush(bytes, promise: nil)
    }

    /// Drops the connection for that reason; a new try follows.
    func drop(_ reason: RedisLinkError) {
        guard case .up(let channel, _) = state else { return }
        lost("\(reason)")
        channel.close(promise: nil)
    }

    /// Tells the operator what Redis refused; clients only learn that it did. A redirect in a Redis Cluster is no refusal.
    func note(refusal words: String) {
        guard ClusterRedirect(words, from: RedisEndpoint(host: "", port: 0)) == nil,
            let before = refusals.take(now: NodeClock.system.monotonicMicroseconds())
        else { return }
        var metadata: Logger.Metadata = [
            "redis": "\(configuration.redactedURL)", "words": "\(configuration.showing(words))",
        ]
        if before > 0 { metadata["more"] = "\(before)" }
        logger.warning("redis refused a command", metadata: metadata)
    }

    /// Ends the link for good.
    func stop() {
        let before = state
        state = .stopped
        connection += 1
        owner = nil
        watch?.stop()
        if case .up(let channel, _) = before { channel.close(promise: nil) }
    }

    /// Tells the operator something about the link, apart from being up or down.
    func warn(_ text: String) {
        logger.warning("redis \(name) link: \(text)", metadata: ["redis": "\(configuration.redactedURL)"])
    }

    private func connect() {
        state = .connecting
        connection += 1
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        guard let watch else { return connect(to: nil) }
        let number = connection
        watch.find().whenComplete { result in
            guard bound.value.isPresent(number), case .connecting = bound.value.state else { return }
            switch result {
            case .success(let master): bound.value.connect(to: master)
            case .failure(let error): bound.value.lost("\(error)")
            }
        }
    }

    private func connect(to endpoint: RedisEndpoint?) {
        let (bound, number) = (NIOLoopBound(self, eventLoop: eventLoop), connection)
        connector.connect(on: eventLoop, to: endpoint) { event in
            bound.value.handle(event, of: number)
        }.whenComplete { result in
            bound.value.connected(result, number)
        }
    }

    private func isPresent(_ number: Int) -> Bool { number == connection }

    private func connected(_ result: Result<any Channel, any Error>, _ number: Int) {
        switch (state, result) {
        case (.connecting, .success(let channel)) where isPresent(number):
            state = .up(channel, isReady: false)
        case (.connecting, .failure(let error)) where isPresent(number):
            let reason = RedisConnector.describe(error)
            // The way to a Unix socket has no error of its own.
            lost(error is IOError ? "cannot connect: \(reason)" : reason)
        case (_, .success(let channel)) where !isPresent(number):
            // Stopped or given up meanwhile.
            channel.close(promise: nil)
        default:
            break
        }
    }

    /// What happened on a connection.
    func handle(_ event: LinkHandler.Event, of number: Int) {
        guard isPresent(number) else { return }
        switch (event, state) {
        case (.ready(let channel), .up), (.ready(let channel), .connecting):
            state = .up(channel, isReady: true)
            backoff.reset()
            connections += 1
            if problem != nil || connections == 1 {
                logger.info("redis \(name) link is up", metadata: ["redis": "\(configuration.redactedURL)"])
            }
            problem = nil
            watch?.linkIsReady { [weak self] master in self?.drop(.moved(master)) }
            owner?.linkIsReady()
        case (.reply(let reply), .up(_, isReady: true)):
            owner?.received(reply)
        case (.burst, .up(_, isReady: true)):
            owner?.receivedBurst()
        case (.lost(let error), .up), (.lost(let error), .connecting):
            lost(RedisConnector.describe(error))
        default:
            break
        }
    }

    private func lost(_ reason: String) {
        var random = SystemRandomNumberGenerator()
        let wait = backoff.next(using: &random)
        state = .waiting
        connection += 1
        if problem != reason {
            logger.warning(
                "redis \(name) link is down: \(reason)", metadata: ["redis": "\(configuration.redactedURL)"])
        }
        problem = reason
        watch?.linkIsLost()
        owner?.linkIsLost(reason)
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleTask(in: .microseconds(Int64(wait.microseconds))) {
            if case .waiting = bound.value.state { bound.value.connect() }
        }
    }
}
