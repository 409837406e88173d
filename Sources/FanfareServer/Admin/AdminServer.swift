import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle

/// The operator's port: metrics, health, server API. Another port than the clients', never routed by nginx.
struct AdminServer: Sendable {
    let context: AdminContext
    let host: String
    let port: Int
    let logger: Logger
    /// Called with the bound port.
    let onRunning: @Sendable (Int) async -> Void
    /// What requests under way may take at shutdown; then their connections are cut.
    var shutdownGrace = Self.shutdownGrace
    /// For how long a reader may take nothing of its answer.
    var takingTimeout = Self.takingTimeout

    /// The server as a service; ends with a graceful shutdown, ``shutdownGrace`` after it at the latest.
    func makeService() -> some Service {
        // Hummingbird logs every start and request; the node's own lines are enough.
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        let onRunning = self.onRunning
        let connections = AdminConnections(
            nodeName: context.nodeName, limit: context.limits.maxAdminConnections, takingTimeout: takingTimeout,
            metrics: context.metrics, logRefusal: context.logRefusal)
        let application = Application(
            router: makeRouter(),
            server: HTTPServerBuilder { responder in
                let http = HTTP1Channel(responder: responder, configuration: .init(idleTimeout: Self.idleTimeout))
                return AdminChannel(http: http, connections: connections)
            },
            configuration: ApplicationConfiguration(address: .hostname(host, port: port), serverName: nil),
            onServerRunning: { channel in await onRunning(channel.localAddress?.port ?? 0) },
            logger: quiet
        )
        // Hummingbird itself would wait without end for a request whose body does not come.
        var bounded = ServiceGroupConfiguration(services: [application], logger: quiet)
        bounded.maximumGracefulShutdownDuration = shutdownGrace
        return ServiceGroup(configuration: bounded)
    }

    private func makeRouter() -> Router<AdminRequestContext> {
        let endpoints = AdminEndpoint.all(context)
        let router = Router(context: AdminRequestContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: AdminAnswers(nodeName: context.nodeName, endpoints: endpoints))
        router.add(
            middleware: AdminGuard(
                gate: AdminGate(bound: host, names: context.names), keys: context.keys, metrics: context.metrics,
                logRefusal: context.logRefusal))
        for endpoint in endpoints {
            router.on(RouterPath(endpoint.path), method: endpoint.method) { request, context in
                try await endpoint.respond(request, context)
            }
        }
        return router
    }
}
