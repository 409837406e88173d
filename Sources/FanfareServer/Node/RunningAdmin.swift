import FanfareCore
import Logging
import ServiceLifecycle

/// The admin port of a running node.
final class RunningAdmin: Sendable {
    /// The port that is bound.
    let port: Int
    private let group: ServiceGroup
    private let running: Task<Void, any Error>

    private init(port: Int, group: ServiceGroup, running: Task<Void, any Error>) {
        self.port = port
        self.group = group
        self.running = running
    }

    /// Starts it and waits until it is bound.
    static func start(_ node: NodeContext) async throws -> RunningAdmin {
        let configuration = node.configuration
        let (ports, bound) = AsyncStream<Int>.makeStream()
        let server = AdminServer(
            context: AdminContext(
                nodeName: configuration.nodeName,
                version: FanfareVersion.string,
                metrics: node.metrics,
                limits: configuration.limits,
                channels: configuration.channels,
                keepAlive: configuration.keepAlive,
                keys: configuration.adminKeys,
                names: AdminGate.read(configuration.adminNames) ?? [],
                logRefusal: { kind, what in
                    node.refusals.note(kind, now: node.clock.monotonicMicroseconds(), what, [:])
                },
                tokenProblem: { node.tokens?.keys.problem },
                knownAddresses: { node.clientAddresses.groups?.count ?? 0 },
                knownUsers: { node.users?.count ?? 0 },
                sessionAnswering: { node.sessions.answering },
                command: { node.commands.send($0, to: $1, completion: $2) },
                broker: node.broker,
                brokerName: configuration.redis.isEmpty ? "memory" : "redis",
                isDraining: { node.isDraining },
                isAccepting: { node.isAccepting },
                now: node.clock.wallMicroseconds
            ),
            host: configuration.adminHost,
            port: configuration.adminPort,
            logger: node.logger,
            onRunning: { bound.yield($0) }
        )
        let group = ServiceGroup(configuration: .init(services: [server.makeService()], logger: node.logger))
        let running = Task {
            defer { bound.finish() }
            try await group.run()
        }
        for await port in ports { return RunningAdmin(port: port, group: group, running: running) }
        do {
            try await running.value
            throw CancellationError()
        } catch {
            throw NodeStartError.bind(.admin, host: configuration.adminHost, port: configuration.adminPort, error)
        }
    }

    /// Finishes open requests and closes the port.
    func stop() async {
        await group.triggerGracefulShutdown()
        _ = try? await running.value
    }
}
