import HTTPTypes
import NIOCore

/// The page at `/`: one file, built into the binary. It may be shown from everywhere; what it does is held to its origin.
struct PageEndpoint: Endpoint {
    var isForAllPages: Bool { true }

    func respond(to exchange: Exchange, _ body: ByteBuffer) {
        exchange.answer(.ok, Self.fields, Self.bytes)
    }

    private static let bytes = ByteBuffer(bytes: PackageResources.index_html)

    /// Nothing but the page itself may run or be shown, and it may only talk to the host that it came from.
    private static let fields: HTTPFields = [
        .contentType: "text/html; charset=utf-8",
        .cacheControl: "no-cache",
        .xContentTypeOptions: "nosniff",
        .referrerPolicy: "no-referrer",
        .contentSecurityPolicy:
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
            + "connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    ]
}
