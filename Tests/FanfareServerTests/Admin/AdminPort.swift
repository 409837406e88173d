import FanfareCore
import FanfareProtocols
import FanfareTestKit
import FanfareWire
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

@testable import FanfareServer

extension AdminContext {
    /// A node that is ready, except for what a test says.
    static func forTest(
        node: String = "n1",
        metrics: NodeMetrics = NodeMetrics(loops: 2),
        limits: Limits = Limits(),
        keepAlive: KeepAlive = KeepAlive(),
        broker: (any Broker)? = nil,
        isDraining: Bool = false,
        isAccepting: Bool = true
    ) -> AdminContext {
        AdminContext(
            nodeName: node,
            version: "1.2.3",
            metrics: metrics,
            limits: limits,
            keepAlive: keepAlive,
            broker: broker ?? MemoryBroker(formats: FormatTable(), metrics: metrics.broker),
            brokerName: "memory",
            isDraining: { isDraining },
            isAccepting: { isAccepting },
            now: { 1_700_000_000_000_000 }
        )
    }
}

/// The admin port ended before it had answered.
struct AdminPortClosed: Error {}

/// The real admin server on a free port of loopback.
final class AdminPort: Sendable {
    let port: Int
    private let group: ServiceGroup
    private let running: Task<Void, any Error>

    static func start(
        _ context: AdminContext, host: String = "127.0.0.1", shutdownGrace: Duration = AdminServer.shutdownGrace,
        takingTimeout: TimeAmount = AdminServer.takingTimeout
    ) async throws -> AdminPort {
        let (ports, bound) = AsyncStream<Int>.makeStream()
        let logger = Logger(label: "admin") { _ in SwiftLogNoOpLogHandler() }
        let server = AdminServer(
            context: context, host: host, port: 0, logger: logger, onRunning: { bound.yield($0) },
            shutdownGrace: shutdownGrace, takingTimeout: takingTimeout)
        let group = ServiceGroup(configuration: .init(services: [server.makeService()], logger: logger))
        let running = Task {
            defer { bound.finish() }
            try await group.run()
        }
        for await port in ports { return AdminPort(port: port, group: group, running: running) }
        try await running.value
        throw AdminPortClosed()
    }

    private init(port: Int, group: ServiceGroup, running: Task<Void, any Error>) {
        self.port = port
        self.group = group
        self.running = running
    }

    /// Shuts down gracefully and waits for the end.
    func stop() async {
        await group.triggerGracefulShutdown()
        _ = try? await running.value
    }

    /// Sends a request as it stands and gives the answer.
    func send(_ bytes: ByteBuffer) async throws -> HTTPAnswer {
        let client = try await SocketClient.connect(port)
        try await client.send(bytes)
        let answer = try await client.receive("an answer") { HTTPAnswer.parse(&$0) }
        await client.close()
        guard let answer else { throw AdminPortClosed() }
        return answer
    }

    /// Sends a request without a body, or with the length of `body`.
    func request(
        _ method: String,
        _ path: String,
        _ body: String? = nil,
        headers: [String] = []
    ) async throws -> HTTPAnswer {
        var lines = ["\(method) \(path) HTTP/1.1", "Host: localhost:\(port)", "Connection: close"] + headers
        if method == "POST", !headers.contains(where: { $0.hasPrefix("Content-Type") }) {
            lines.append("Content-Type: application/json")
        }
        if let body { lines.append("Content-Length: \(body.utf8.count)") }
        return try await send(ByteBuffer(string: lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? "")))
    }

    func publish(_ body: String, headers: [String] = []) async throws -> HTTPAnswer {
        try await request("POST", "/api/publish", body, headers: headers)
    }

    func broadcast(_ body: String) async throws -> HTTPAnswer { try await request("POST", "/api/broadcast", body) }
}

/// Runs `body` with an admin port that ends with it.
func withAdminPort(
    _ context: AdminContext, takingTimeout: TimeAmount = AdminServer.takingTimeout,
    _ body: (AdminPort) async throws -> Void
) async throws {
    let admin = try await AdminPort.start(context, takingTimeout: takingTimeout)
    do {
        try await body(admin)
    } catch {
        await admin.stop()
        throw error
    }
    await admin.stop()
}

/// A broker that says what the test wants, where no real one can be made to.
final class ScriptedBroker: Broker, NoPresence {
    private struct State {
        var published: [Publication] = []
        var waiting: [@Sendable () -> Void] = []
    }

    let status: BrokerStatus
    private let state = Mutex(State())
    private let holdsUntil: Int
    private let result: @Sendable (ChannelName) -> Result<PublishReceipt, BrokerError>

    /// - Parameter holdsUntil: answers only when that many publications have come, the last first.
    init(
        status: BrokerStatus = BrokerStatus(isUp: true),
        holdsUntil: Int = 1,
        result: @escaping @Sendable (ChannelName) -> Result<PublishReceipt, BrokerError> = { _ in
            .success(PublishReceipt())
        }
    ) {
        self.status = status
        self.holdsUntil = holdsUntil
        self.result = result
    }

    /// What it was given, in order.
    var published: [Publication] { state.withLock(\.published) }

    func publish(
        _ publication: Publication, options: PublishOptions,
        completion: @escaping @Sendable (Result<PublishReceipt, BrokerError>) -> Void
    ) {
        let result = result(publication.channel)
        let due = state.withLock { state in
            state.published.append(publication)
            state.waiting.append { completion(result) }
            guard state.waiting.count >= holdsUntil else { return [@Sendable () -> Void]() }
            defer { state.waiting = [] }
            return state.waiting.reversed()
        }
        for complete in due { complete() }
    }

    func history(
        _ channel: ChannelName, _ query: HistoryQuery,
        completion: @escaping @Sendable (Result<HistoryPage, BrokerError>) -> Void
    ) {
        completion(.failure(.noHistory))
    }

    func removeHistory(
        _ channel: ChannelName, completion: @escaping @Sendable (Result<Void, BrokerError>) -> Void
    ) {
        completion(.failure(.noHistory))
    }

    func start(receivers: [Mailbox<BrokerEvent>]) {}
    func subscribe(_ channel: ChannelName, receiver: Int, ticket: UInt64) {}
    func unsubscribe(_ channel: ChannelName, receiver: Int) {}
    func shutdown() async {}
}
