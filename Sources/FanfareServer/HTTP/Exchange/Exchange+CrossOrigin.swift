import HTTPTypes

/// What a browser lets a page of another origin do with answers (the CORS protocol, Fetch Standard §3.3). The same list that
/// says which pages may come in says which may read.
extension Exchange {
    /// Whether a page sent it.
    var isFromPage: Bool { request.headerFields.contains(.origin) }

    /// Finds out whether the page that sent it is one of those that may.
    func judgePage() {
        mayPageRead = isFromPage && isAllowed(request.headerFields[values: .origin])
    }

    /// Whether pages of that origin may.
    ///
    /// - Parameter origins: as in fields `Origin`.
    func isAllowed(_ origins: [String]) -> Bool {
        loop.node.configuration.origins.allows(
            origins, host: host,
            overTLS: loop.node.tls != nil || loop.node.clientAddresses.isOverTLS(peer: peer, request.headerFields))
    }

    func refuseOrigin() {
        refuse(
            .origin,
            .forbidden,
            "pages from this origin may not connect here (the operator lists those that may in --allowed-origins)"
        )
    }

    /// Whether a browser asks what a page may send before it does (a preflight).
    var isPreflight: Bool {
        request.method == .options && isFromPage && request.headerFields.contains(.accessControlRequestMethod)
    }

    /// Adds to an answer who may read it.
    func addReaders(to fields: inout HTTPFields) {
        // Also where no page asked: a cache must not give this answer to one.
        fields.append(HTTPField(name: .vary, value: "Origin"))
        guard mayPageRead, let origin = request.headerFields[values: .origin].first else { return }
        fields[.accessControlAllowOrigin] = origin
        if loop.node.configuration.origins.allowsCookies(of: origin) {
            fields[.accessControlAllowCredentials] = "true"
        }
        if request.method != .options { fields[.accessControlExposeHeaders] = CrossOrigin.exposedFields }
    }
}

/// What is the same for all pages.
enum CrossOrigin {
    /// Fields that a page may send beside those that every page may.
    static let allowedFields = "authorization, content-type, if-none-match, last-event-id"
    /// Fields of answers that a page may read beside those that every page may.
    static let exposedFields = "retry-after, etag, fanfare-cursor, fanfare-node, fanfare-outcome, fanfare-position"
    /// Seconds for which a browser need not ask again: the most that Chromium heeds. Nothing of it changes while a node runs.
    static let maxAge = "7200"
}
