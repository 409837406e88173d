import HTTPTypes
import Hummingbird
import NIOCore

/// Every answer names its node, every error is JSON, and a known path with another method is a 405.
struct AdminAnswers: RouterMiddleware {
    let nodeName: String
    let endpoints: [AdminEndpoint]

    func handle(
        _ request: Request,
        context: AdminRequestContext,
        next: (Request, AdminRequestContext) async throws -> Response
    ) async throws -> Response {
        var response: Response
        do {
            response = try await next(request, context)
        } catch let error as HTTPError where error.status == .notFound {
            response = unknown(request)
        } catch let error as HTTPError {
            response = Self.failure(error.status, error.body ?? error.status.reasonPhrase)
        } catch {
            context.logger.error(
                "admin request failed",
                metadata: ["path": "\(request.uri.path)", "error": "\(error)"]
            )
            response = Self.failure(.internalServerError, "internal server error")
        }
        if let field = HTTPField.Name("Fanfare-Node") { response.headers[field] = nodeName }
        // RFC 9110 §9.3.2: also of an error.
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func unknown(_ request: Request) -> Response {
        // The router takes a path with a slash at its end, so this must too.
        var path = request.uri.path
        if path.count > 1, path.hasSuffix("/") { path.removeLast() }
        let allow = endpoints.filter { $0.path == path }.map(\.allow).joined(separator: ", ")
        guard !allow.isEmpty else { return Self.failure(.notFound, "no such path") }
        var response = Self.failure(.methodNotAllowed, "this path takes \(allow)")
        response.headers[.allow] = allow
        return response
    }

    private static func failure(_ status: HTTPResponse.Status, _ message: String) -> Response {
        let failure = APIFailure(status: status.code, code: status.code < 500 ? 107 : 100, message: message)
        return .adminJSON(status.code, failure.body)
    }
}
