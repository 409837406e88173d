import FanfareRedis
import NIOCore
import NIOPosix

/// The publisher: its event loop and its connections.
struct PublishFleet: Sendable {
    let counts = PublishCounts()
    private let plan: BenchPlan
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let connector: Connector
    private let loop: NIOLoopBound<PublishLoop>
    private let redis: RedisConfiguration?
    private let endpoint: Endpoint

    init(plan: BenchPlan, run: UInt16) async throws {
        self.plan = plan
        var mistake = ""
        redis = plan.publisher == .redis ? try RedisConfiguration(url: plan.publishURL) : nil
        switch redis?.address {
        case .host(let host, let port): endpoint = Endpoint(scheme: "redis", host: host, port: port)
        case .path(let path): throw BenchFailure("publishing through the socket \(path) is not supported")
        case .sentinel, .cluster:
            throw BenchFailure("publishing through sentinels or into a Redis Cluster is not supported")
        case nil:
            guard
                let endpoint = Endpoint.read(
                    plan.publishURL, schemes: ["ws", "wss", "http"], mistake: &mistake)
            else { throw BenchFailure("--publish-url \(mistake)") }
            self.endpoint = endpoint
        }
        connector = try Connector(
            endpoint, timeout: plan.connectTimeout, insecure: plan.insecure, caFile: plan.caFile)
        let (eventLoop, counts) = (group.next(), counts)
        loop = try await eventLoop.submit {
            NIOLoopBound(
                PublishLoop(eventLoop: eventLoop, plan: plan, run: run, counts: counts), eventLoop: eventLoop)
        }.get()
    }

    /// Connections: a channel always goes over the same one, so that its order holds.
    private var linkCount: Int {
        switch plan.publisher {
        case .websocket: min(plan.channels, 4)
        // One publication at a time on each.
        case .http: min(plan.channels, 64)
        case .redis: 1
        }
    }

    /// Connects before thousands of clients are started for nothing, and before a full node has no room left.
    func connect() async throws -> [NIOLoopBound<PublishLink>] {
        var links: [NIOLoopBound<PublishLink>] = []
        for _ in 0..<linkCount { links.append(try await connectLink()) }
        return links
    }

    /// Begins to publish over connections that were made before.
    func start(_ links: [NIOLoopBound<PublishLink>], audience: [Int]) async throws {
        var links = links
        for index in links.indices {
            let link = links[index]
            // An HTTP server may have closed a connection that said nothing while clients connected.
            let hasEnded = try await link.eventLoop.submit { link.value.hasEnded }.get()
            if hasEnded { links[index] = try await connectLink() }
        }
        try await loop.eventLoop.submit { [links] in
            loop.value.start(links: links.map(\.value), audience: audience)
        }.get()
    }

    func clientLost(channel: Int) { loop.eventLoop.execute { loop.value.clientLost(channel: channel) } }

    /// Ends publishing early.
    func stop() { loop.eventLoop.execute { loop.value.stop() } }

    /// Ends everything and tells what became of it.
    func end() async throws -> PublishTally {
        let tally = try await loop.eventLoop.submit { loop.value.finish() }.get()
        try await group.shutdownGracefully()
        return tally
    }

    /// The tally so far.
    func tally() async throws -> PublishTally { try await loop.eventLoop.submit { loop.value.tally }.get() }

    private func connectLink() async throws -> NIOLoopBound<PublishLink> {
        let eventLoop = loop.eventLoop
        do {
            return try await eventLoop.flatSubmit {
                let ready = eventLoop.makePromise(of: Void.self)
                let link = PublishLink(dialect(), loop: loop.value, ready: ready)
                let bound = NIOLoopBound(link, eventLoop: eventLoop)
                let timeout = eventLoop.scheduleTask(in: .microseconds(plan.connectTimeout.microseconds)) {
                    bound.value.end("no answer in time")
                }
                return connector.connect(on: eventLoop) { bound.value }
                    .flatMapErrorThrowing { error in
                        bound.value.end(ConnectFailure.describe(error))
                        throw error
                    }
                    .flatMap { _ in ready.futureResult }
                    .map { bound }
                    .always { _ in timeout.cancel() }
            }.get()
        } catch {
            let way = plan.publisher.rawValue
            throw BenchFailure("cannot publish over \(way) at \(endpoint.text): \(ConnectFailure.describe(error))")
        }
    }

    private func dialect() -> any PublishDialect {
        if let redis { return RedisDialect(plan: plan, redis: redis) }
        if plan.publisher == .http { return HTTPDialect(plan: plan, endpoint: endpoint) }
        return CentrifugeDialect(plan: plan, endpoint: publishEndpoint)
    }

    /// The target's own path is for its listeners, unless they speak the protocol that publishers do.
    private var publishEndpoint: Endpoint {
        var endpoint = endpoint
        if endpoint == plan.target, plan.transport == .raw { endpoint.path = nil }
        return endpoint
    }
}

/// Why a run could not be made.
public struct BenchFailure: Error, Equatable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}
