import FanfareCore
import FanfareWire
import HTTPTypes
import Hummingbird
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

    /// The server as a service; ends with a graceful shutdown.
    func makeService() -> some Service {
        // Hummingbird logs every start and request; the node's own lines are enough.
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        let onRunning = self.onRunning
        return Application(
            router: makeRouter(),
            configuration: ApplicationConfiguration(address: .hostname(host, port: port), serverName: nil),
            onServerRunning: { channel in await onRunning(channel.localAddress?.port ?? 0) },
            logger: quiet)
    }

    private func makeRouter() -> Router<BasicRequestContext> {
        let router = Router(options: .autoGenerateHeadEndpoints)
        let context = self.context
        let api = ServerAPI(context: context)
        router.add(middleware: AdminAnswers(nodeName: context.nodeName))
        router.get("metrics") { _, _ in
            Self.response(200, Exposition.contentType, ByteBuffer(string: NodeExposition(context: context).render()))
        }
        router.get("healthz") { _, _ in
            Self.json(200, JSONText.object([("status", .string("ok")), ("node", .string(context.nodeName))]))
        }
        router.get("readyz") { _, _ in
            let readiness = Readiness(context)
            return Self.json(
                readiness.isReady ? 200 : 503,
                JSONText.object([
                    ("ready", .bool(readiness.isReady)), ("node", .string(context.nodeName)),
                    ("problems", .array(readiness.problems.map(JSONText.string))),
                ]))
        }
        router.post("api/publish") { request, _ in try await answer(request, api.publish) }
        router.post("api/broadcast") { request, _ in try await answer(request, api.broadcast) }
        return router
    }

    private func answer(
        _ request: Request, _ body: (ByteBuffer) async -> ServerAPI.Answer
    ) async throws -> Response {
        let collected: ByteBuffer
        do {
            collected = try await request.body.collect(upTo: context.limits.maxAPIBodyBytes)
        } catch is NIOTooManyBytesError {
            throw HTTPError(
                .contentTooLarge, message: "the body is above the limit of \(context.limits.maxAPIBodyBytes) bytes")
        }
        let answer = await body(collected)
        return Self.json(answer.status, answer.body)
    }

    private static func json(_ status: Int, _ body: ByteBuffer) -> Response {
        response(status, "application/json", body)
    }

    private static func response(_ status: Int, _ type: String, _ body: ByteBuffer) -> Response {
        Response(
            status: HTTPResponse.Status(code: status), headers: [.contentType: type],
            body: ResponseBody(byteBuffer: body))
    }
}

/// Every answer names its node, and every error is JSON.
private struct AdminAnswers: RouterMiddleware {
    let nodeName: String

    func handle(
        _ request: Request, context: BasicRequestContext,
        next: (Request, BasicRequestContext) async throws -> Response
    ) async throws -> Response {
        var response: Response
        do {
            response = try await next(request, context)
        } catch let error as HTTPError {
            response = Self.failure(error.status, error.body ?? error.status.reasonPhrase)
        }
        if let field = HTTPField.Name("Fanfare-Node") { response.headers[field] = nodeName }
        return response
    }

    private static func failure(_ status: HTTPResponse.Status, _ message: String) -> Response {
        let code = status.code == 413 ? 106 : status.code < 500 ? 107 : 100
        return Response(
            status: status, headers: [.contentType: "application/json"],
            body: ResponseBody(
                byteBuffer: JSONText.object([
                    ("error", .object([("code", .number(code)), ("message", .string(message))]))
                ])))
    }
}
