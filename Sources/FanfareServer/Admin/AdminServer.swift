import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle

/// The operator's port: metrics, health, server API. Another port than the clients', never routed by nginx.
struct AdminServer: Sendable {
    /// Connections at a time; more wait in the kernel's backlog until one ends.
    static let maximumConnections = 1_024
    /// After that long without a byte a connection is closed, also in the middle of a request. Longer than Prometheus'
    /// usual scrape interval of a minute, so that its connection is kept.
    static let idleTimeout = TimeAmount.seconds(90)
    /// What requests under way may take at shutdown; then their connections are cut.
    static let shutdownGrace = Duration.seconds(3)

    let context: AdminContext
    let host: String
    let port: Int
    let logger: Logger
    /// Called with the bound port.
    let onRunning: @Sendable (Int) async -> Void

    /// The server as a service; ends with a graceful shutdown, ``shutdownGrace`` after it at the latest.
    func makeService() -> some Service {
        // Hummingbird logs every start and request; the node's own lines are enough.
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        let onRunning = self.onRunning
        let application = Application(
            router: makeRouter(),
            server: .http1(configuration: .init(idleTimeout: Self.idleTimeout)),
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port),
                serverName: nil,
                availableConnectionsDelegate: .maximum(Self.maximumConnections, logger: quiet)
            ),
            onServerRunning: { channel in await onRunning(channel.localAddress?.port ?? 0) },
            logger: quiet
        )
        // Hummingbird itself would wait without end for a request whose body does not come.
        var bounded = ServiceGroupConfiguration(services: [application], logger: quiet)
        bounded.maximumGracefulShutdownDuration = Self.shutdownGrace
        return ServiceGroup(configuration: bounded)
    }

    private func makeRouter() -> Router<BasicRequestContext> {
        let endpoints = AdminEndpoint.all(context)
        let router = Router(options: .autoGenerateHeadEndpoints)
        router.add(middleware: AdminAnswers(nodeName: context.nodeName, endpoints: endpoints))
        for endpoint in endpoints {
            router.on(RouterPath(endpoint.path), method: endpoint.method) { request, _ in
                try await endpoint.respond(request)
            }
        }
        return router
    }
}
