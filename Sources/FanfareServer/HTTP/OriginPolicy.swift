/// From which pages browsers may reach the public port (RFC 6454; RFC 6455 §10.2).
///
/// A browser sends its page's origin with every upgrade and lets any page open one, with the user's cookies. Programs send
/// none and are not held up by this.
struct OriginPolicy: Sendable, Equatable {
    /// Why a text is no policy.
    struct Problem: Error, CustomStringConvertible {
        let description: String
    }

    private enum Rule: Sendable, Equatable {
        case any
        case exact(Origin)
        /// Every host that ends with the suffix, which begins with a dot.
        case subdomains(scheme: Substring, suffix: Substring, port: Int)
    }

    private struct Origin: Sendable, Equatable {
        var scheme: Substring
        var host: Substring
        var port: Int
    }

    private let rules: [Rule]

    /// Any page.
    static let any = OriginPolicy(rules: [.any])
    /// Pages that came from the same host and port, and over TLS where this node speaks it.
    static let sameHost = OriginPolicy(rules: [])

    /// Whether it holds nobody back.
    var allowsAny: Bool { rules.contains(.any) }

    private init(rules: [Rule]) { self.rules = rules }

    /// - Parameter text: origins with commas between them: `https://app.example.com`, `https://*.example.com`, or `*`.
    init(_ text: String) throws(Problem) {
        var rules: [Rule] = []
        for entry in text.lowercased().split(separator: ",", omittingEmptySubsequences: false) {
            let entry = entry.drop { $0 == " " }
            let trimmed = entry.prefix { $0 != " " }
            guard entry.dropFirst(trimmed.count).allSatisfy({ $0 == " " }), let rule = Self.rule(trimmed) else {
                throw Problem(
                    description: "'\(entry)' is no origin, as in https://app.example.com, https://*.example.com")
            }
            rules.append(rule)
        }
        self.rules = rules
    }

    /// Whether a request with these `Origin` fields may go on.
    ///
    /// - Parameters:
    ///   - origins: the values as received; none: not a browser.
    ///   - host: the `Host` field, which a proxy in front must hand on.
    ///   - overTLS: whether the request came over TLS. Then a page of `http://` is of another origin, and may be whoever's
    ///     who sits in between, also where its host is this one. Without TLS here a proxy may speak it: nobody knows.
    func allows(_ origins: [String], host: String?, overTLS: Bool = false) -> Bool {
        guard let text = origins.first else { return true }
        if allowsAny { return true }
        guard origins.count == 1, !Self.hasStar(text), let origin = Self.origin(text.lowercased()[...]) else {
            return false
        }
        if !overTLS || origin.scheme == "https", let host,
            let own = Self.origin("\(origin.scheme)://\(host.lowercased())"), own == origin
        {
            return true
        }
        return rules.contains { rule in
            switch rule {
            case .any: true
            case .exact(let allowed): allowed == origin
            case .subdomains(let scheme, let suffix, let port):
                origin.scheme == scheme && origin.port == port && origin.host.hasSuffix(suffix)
                    && origin.host.count > suffix.count
            }
        }
    }

    private static func rule(_ text: Substring) -> Rule? {
        if text == "*" { return .any }
        guard let origin = origin(text) else { return nil }
        guard hasStar(origin.host) else { return .exact(origin) }
        let suffix = origin.host.dropFirst()
        guard origin.host.hasPrefix("*."), !hasStar(suffix), suffix.dropFirst().utf8.contains(UInt8(ascii: ".")) else {
            return nil
        }
        return .subdomains(scheme: origin.scheme, suffix: suffix, port: origin.port)
    }

    /// In bytes: with a text, `contains` is Foundation's search by rules of language, which some hostile texts make trap.
    private static func hasStar(_ text: some StringProtocol) -> Bool { text.utf8.contains(UInt8(ascii: "*")) }

    /// `scheme://host[:port]`, in lower case; nothing behind it.
    private static func origin(_ text: Substring) -> Origin? {
        guard let scheme = ["http", "https"].first(where: { text.hasPrefix($0 + "://") }) else { return nil }
        let authority = text.dropFirst(scheme.count + 3)
        // The colon of a port comes after an IPv6 address in brackets.
        let afterHost = authority.first == "[" ? authority.firstIndex(of: "]") : authority.startIndex
        guard let afterHost else { return nil }
        let colon = authority[afterHost...].firstIndex(of: ":")
        let host = authority[..<(colon ?? authority.endIndex)]
        let isHost = host.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || ".-_*[]:".contains($0)) }
        guard !host.isEmpty, isHost else { return nil }
        guard let colon else {
            return Origin(scheme: text.prefix(scheme.count), host: host, port: scheme == "http" ? 80 : 443)
        }
        let digits = authority[authority.index(after: colon)...]
        guard let port = UInt16(digits), digits.allSatisfy(\.isNumber) else { return nil }
        return Origin(scheme: text.prefix(scheme.count), host: host, port: Int(port))
    }
}
