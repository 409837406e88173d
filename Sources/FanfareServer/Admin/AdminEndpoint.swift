import HTTPTypes
import Hummingbird
import NIOCore

/// What the admin port answers to; the router and the `Allow` of a 405 are made from the same list.
struct AdminEndpoint: Sendable {
    let method: HTTPRequest.Method
    let path: String
    let respond: @Sendable (Request, AdminRequestContext) async throws -> Response

    /// The methods of its path for `Allow`.
    var allow: String { method == .get ? "GET, HEAD" : method.rawValue }

    static func all(_ context: AdminContext) -> [AdminEndpoint] {
        let api = ServerAPI(context: context)
        return [
            AdminEndpoint(method: .get, path: "/metrics") { _, _ in
                let text = ByteBuffer(string: NodeExposition(context: context).render())
                return .admin(200, Exposition.contentType, text)
            },
            AdminEndpoint(method: .get, path: "/healthz") { _, _ in
                .adminJSON(200, JSONText.object([("status", .string("ok")), ("node", .string(context.nodeName))]))
            },
            AdminEndpoint(method: .get, path: "/readyz") { _, _ in
                let readiness = Readiness(context)
                return .adminJSON(
                    readiness.isReady ? 200 : 503,
                    JSONText.object([
                        ("ready", .bool(readiness.isReady)), ("node", .string(context.nodeName)),
                        ("problems", .array(readiness.problems.map(JSONText.string))),
                    ])
                )
            },
            AdminEndpoint(method: .post, path: "/api/publish") { await api.respond($0, $1, api.publish) },
            AdminEndpoint(method: .post, path: "/api/broadcast") { await api.respond($0, $1, api.broadcast) },
            AdminEndpoint(method: .post, path: "/api/history") { await api.respond($0, $1, api.history) },
            AdminEndpoint(method: .post, path: "/api/history_remove") { await api.respond($0, $1, api.historyRemove) },
            AdminEndpoint(method: .post, path: "/api/presence") { await api.respond($0, $1, api.presence) },
            AdminEndpoint(method: .post, path: "/api/presence_stats") { await api.respond($0, $1, api.presenceStats) },
            AdminEndpoint(method: .post, path: "/api/subscribe") { await api.respond($0, $1, api.subscribe) },
            AdminEndpoint(method: .post, path: "/api/unsubscribe") { await api.respond($0, $1, api.unsubscribe) },
            AdminEndpoint(method: .post, path: "/api/disconnect") { await api.respond($0, $1, api.disconnect) },
            AdminEndpoint(method: .post, path: "/api/refresh") { await api.respond($0, $1, api.refresh) },
        ]
    }
}

extension ServerAPI {
    /// Takes a request's body, within its limit, to `command`.
    fileprivate func respond(
        _ request: Request,
        _ requestContext: AdminRequestContext,
        _ command: @Sendable (ByteBuffer) async -> APIAnswer
    ) async -> Response {
        guard context.keys.allow(request.headers) else {
            context.metrics.shared.addShared(.apiUnauthorized)
            context.logRefusal(.apiKey, "server API request refused: no valid key, \(request.uri.path)")
            var response = Response.adminJSON(401, APIFailure.unauthorized.body)
            response.headers[.wwwAuthenticate] = "apikey"
            return response
        }
        let result: Result<ByteBuffer, APIFailure>
        do throws(APIFailure) {
            result = .success(try await collect(request, requestContext))
        } catch {
            result = .failure(error)
        }
        let answer =
            switch result {
            case .success(let body): await command(body)
            case .failure(let failure): await self.answer { () async throws(APIFailure) in throw failure }
            }
        guard let place = answer.place, answer.body.readableBytes > APIReads.pieceBytes else {
            return .adminJSON(answer.status, answer.body)
        }
        return .adminJSON(
            answer.status, inPieces: answer.body, on: requestContext.channel.eventLoop, holding: place)
    }

    private func collect(_ request: Request, _ requestContext: AdminRequestContext) async throws(APIFailure)
        -> ByteBuffer
    {
        try checkType(request)
        guard request.headers[.contentEncoding].map(Self.mediaType) ?? "identity" == "identity" else {
            throw .badRequest("the body must not be compressed", status: 415)
        }
        let limit = context.limits.maxAPIBodyBytes
        guard request.headers[.contentLength].flatMap(Int.init) ?? 0 <= limit else {
            throw .tooLarge("the body", limit: limit)
        }
        requestContext.readsBody()
        do {
            return try await request.body.collect(upTo: limit)
        } catch is NIOTooManyBytesError {
            throw .tooLarge("the body", limit: limit)
        } catch {
            throw .badRequest("the body broke off")
        }
    }

    /// Any page may make a browser send a form or untyped bytes to anywhere; `application/json` takes the permission of whom it
    /// is sent to, which is never given here. With a key, which no page has, what `curl -d` says by itself is let pass: the
    /// body has to be JSON in any case.
    private func checkType(_ request: Request) throws(APIFailure) {
        let type = request.headers[.contentType].map(Self.mediaType)
        if type == "application/json" { return }
        let isUsual = type == nil || type == "application/x-www-form-urlencoded"
        guard isUsual, !context.keys.isEmpty else {
            let found = type.map { "not '\($0.prefix(100))'" } ?? "and the request does not say what it is"
            throw .badRequest(
                "the body must be application/json, \(found): send 'Content-Type: application/json'", status: 415)
        }
    }

    /// Without parameters, in lower case.
    private static func mediaType(_ field: String) -> String {
        let type = field.prefix { $0 != ";" && $0 != " " }
        return type.lowercased()
    }
}

extension Response {
    static func admin(_ status: Int, _ type: String, _ body: ByteBuffer) -> Response {
        Response(
            status: HTTPResponse.Status(code: status),
            headers: [.contentType: type],
            body: ResponseBody(byteBuffer: body)
        )
    }

    static func adminJSON(_ status: Int, _ body: ByteBuffer) -> Response { admin(status, "application/json", body) }

    /// The same, a piece at a time as the reader takes them; `place` is held as long.
    ///
    /// - Parameter eventLoop: the connection's. What is written is on its way there; while it was not, the writer does not know
    ///   whether the reader takes it, and takes everything itself.
    static func adminJSON(
        _ status: Int, inPieces body: ByteBuffer, on eventLoop: any EventLoop, holding place: APIReads.Place
    ) -> Response {
        Response(
            status: HTTPResponse.Status(code: status),
            headers: [.contentType: "application/json"],
            body: ResponseBody(contentLength: body.readableBytes) { writer in
                var rest = body
                while let piece = rest.readSlice(length: min(APIReads.pieceBytes, rest.readableBytes)),
                    piece.readableBytes > 0
                {
                    try await writer.write(piece)
                    try await eventLoop.submit {}.get()
                }
                try await writer.finish(nil)
                withExtendedLifetime(place) {}
            })
    }
}
