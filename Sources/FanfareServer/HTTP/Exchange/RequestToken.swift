import FanfareWire

/// The connection token that a request brings along: in `Authorization`, offered as a subprotocol, in a cookie, or in the
/// query. Pure. A token is never written anywhere: not into a log, not into an answer.
struct RequestToken: Sendable {
    /// The token; `nil`: the request has none.
    let value: String?
    /// Whether it stands in the address, so that the same request brings the same.
    let isInAddress: Bool

    /// What stands before a token among the offered subprotocols, for browsers, which can't set fields: a JWT is made of
    /// characters that a subprotocol may have.
    static let subprotocolPrefix = "bearer."

    /// The first of these that is there counts. A field that can't be read makes a token that nobody believes, not a
    /// client without one.
    ///
    /// - Parameters:
    ///   - values: the values of a header field by its name in lower case, list members not taken apart.
    ///   - cookie: name of the cookie that may hold one; `nil`: none.
    ///   - isInQuery: whether `?token=` counts.
    init(target: String, cookie: String?, isInQuery: Bool, values: (String) -> [String]) {
        var isInAddress = false
        if let token = Self.authorization(values("authorization")) {
            value = token
        } else if let token = Self.subprotocol(values("sec-websocket-protocol")) {
            value = token
        } else if let cookie, let token = Self.cookie(cookie, values("cookie")) {
            value = token
        } else if isInQuery, let token = Self.query(target) {
            value = token
            isInAddress = true
        } else {
            value = nil
        }
        self.isInAddress = isInAddress
    }

    private static func authorization(_ fields: [String]) -> String? {
        guard let field = fields.first else { return nil }
        let words = field.split(separator: " ", omittingEmptySubsequences: true)
        // Other schemes are for others: nginx may ask for a password of its own.
        guard let scheme = words.first, scheme.isToken("bearer") else { return nil }
        return fields.count == 1 && words.count == 2 ? String(words[1]) : ""
    }

    private static func subprotocol(_ fields: [String]) -> String? {
        for field in fields {
            for item in field.split(separator: ",") {
                let item = item.drop { $0 == " " || $0 == "\t" }
                guard item.hasPrefix(subprotocolPrefix) else { continue }
                return String(item.dropFirst(subprotocolPrefix.count).prefix { $0 != " " && $0 != "\t" })
            }
        }
        return nil
    }

    private static func cookie(_ name: String, _ fields: [String]) -> String? {
        for field in fields {
            for pair in field.split(separator: ";") {
                let pair = pair.drop { $0 == " " }
                guard let equals = pair.firstIndex(of: "="), ExactText(pair[..<equals]) == ExactText(name) else {
                    continue
                }
                let value = pair[pair.index(after: equals)...]
                guard value.count > 1, value.first == "\"", value.last == "\"" else { return String(value) }
                return String(value.dropFirst().dropLast())
            }
        }
        return nil
    }

    private static func query(_ target: String) -> String? {
        guard let mark = target.firstIndex(of: "?") else { return nil }
        for pair in target[target.index(after: mark)...].split(separator: "&") where pair.hasPrefix("token=") {
            return PercentEncoding.decoded(pair.dropFirst(6).utf8) ?? ""
        }
        return nil
    }
}
