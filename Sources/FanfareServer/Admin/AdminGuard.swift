import FanfareCore
import HTTPTypes
import Hummingbird
import NIOCore

/// What the answer to an admin request can use beside the request: its connection.
struct AdminRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }

    /// Lets a client send the body that it may hold back until it hears 100.
    func readsBody() { channel.triggerUserOutboundEvent(AdminConnection.ReadsBody(), promise: nil) }
}

/// Puts ``AdminGate`` in front of everything that the admin port answers. Who has a key may come from wherever: no page knows
/// one. Where the API needs a key, it asks for it itself.
struct AdminGuard: RouterMiddleware {
    let gate: AdminGate
    let keys: AdminKeys
    let metrics: NodeMetrics
    let logRefusal: @Sendable (RefusalLog.Kind, String) -> Void

    func handle(
        _ request: Request,
        context: AdminRequestContext,
        next: (Request, AdminRequestContext) async throws -> Response
    ) async throws -> Response {
        if keys.isEmpty || !keys.allow(request.headers), let failure = refusal(request) {
            metrics.shared.addShared(.adminForeign)
            logRefusal(.adminForeign, "admin request refused: \(failure.message)")
            return .adminJSON(failure.status, failure.body)
        }
        return try await next(request, context)
    }

    private func refusal(_ request: Request) -> APIFailure? {
        var site: String?
        if let name = HTTPField.Name("Sec-Fetch-Site") { site = request.headers[name] }
        return gate.refusal(host: request.head.authority, origins: request.headers[values: .origin], site: site)
    }
}
