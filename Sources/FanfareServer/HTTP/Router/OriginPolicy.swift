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
        /// The host and port of the request itself. A name that its owner lets lead here is such a host, too (DNS rebinding):
        /// where that matters the operator lists the pages instead.
        case sameHost
        case exact(PageOrigin)
        /// Every host that ends with the suffix, which begins with a dot.
        case subdomains(scheme: [UInt8], suffix: [UInt8], port: Int?)
        /// Every page of a scheme that is not the web's: the ids of some browsers' extensions differ with each install.
        case scheme([UInt8])
    }

    private let rules: [Rule]

    /// Any page.
    static let any = OriginPolicy(rules: [.any])
    /// Pages that came from the same host and port, and over TLS where the request did.
    static let sameHost = OriginPolicy(rules: [.sameHost])

    /// Whether it holds nobody back.
    var allowsAny: Bool { rules.contains(.any) }

    private init(rules: [Rule]) { self.rules = rules }

    /// - Parameter text: origins with commas between them: `https://app.example.com`, `https://*.example.com`,
    ///   `capacitor://localhost`, `moz-extension://*`, `null`, `same-host`; or `*`.
    init(_ text: String) throws(Problem) {
        var rules: [Rule] = []
        for entry in Array(text.utf8).split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            let entry = ListFromRight.trimmed(entry)
            guard let rule = Self.rule(entry) else {
                throw Problem(
                    description: "'\(String(decoding: entry, as: UTF8.self))' is no origin, as in "
                        + "https://app.example.com, https://*.example.com, capacitor://localhost, null, same-host")
            }
            rules.append(rule)
        }
        self.rules = rules
    }

    /// Whether a request with these `Origin` fields may go on.
    ///
    /// - Parameters:
    ///   - origins: the values as received; none: not a browser.
    ///   - host: whom the request is for; a proxy in front must hand that on.
    ///   - overTLS: whether the client is known to have come over TLS. Then a page of `http://` is of another origin, and may
    ///     be whoever's who sits in between, also where its host is this one. The other way round a page of `https://` is
    ///     let in over plain HTTP: something in front may have taken TLS off and not said so.
    func allows(_ origins: [String], host: HostField?, overTLS: Bool = false) -> Bool {
        guard let text = origins.first else { return true }
        if allowsAny { return true }
        guard origins.count == 1, let origin = PageOrigin(text.utf8), !origin.host.contains(Self.star) else {
            return false
        }
        return rules.contains { rule in
            switch rule {
            case .any: true
            case .sameHost: origin.isOfHost(host) && (!overTLS || origin.isSecure)
            case .exact(let allowed): allowed == origin
            case .subdomains(let scheme, let suffix, let port):
                origin.scheme == scheme && origin.port == port && origin.host.count > suffix.count
                    && origin.host.suffix(suffix.count) == suffix[...]
            case .scheme(let scheme): origin.scheme == scheme
            }
        }
    }

    /// Whether a page that ``allows(_:host:overTLS:)`` let in may read answers to requests with its user's cookies. Not where
    /// every page is let in, and not `null`: any page can be that, in a frame of its own.
    func allowsCookies(of origin: String) -> Bool {
        guard !allowsAny, let origin = PageOrigin(origin.utf8) else { return false }
        return !origin.isOpaque
    }

    private static let star = UInt8(ascii: "*")

    private static func rule(_ text: ArraySlice<UInt8>) -> Rule? {
        if text.elementsEqual("*".utf8) { return .any }
        if text.elementsEqual("same-host".utf8) { return .sameHost }
        guard let origin = PageOrigin(text) else { return nil }
        guard origin.host.contains(star) else { return .exact(origin) }
        if !origin.isOfWeb { return origin.host == [star] && origin.port == nil ? .scheme(origin.scheme) : nil }
        let suffix = origin.host.dropFirst()
        guard origin.host.starts(with: "*.".utf8), !suffix.contains(star),
            suffix.dropFirst().contains(UInt8(ascii: "."))
        else { return nil }
        return .subdomains(scheme: origin.scheme, suffix: Array(suffix), port: origin.port)
    }
}

/// Where a page comes from, as browsers say it in `Origin` (RFC 6454 §7): `scheme://host[:port]`, or `null` for a page that
/// has no origin to speak of, such as a file. Compared by bytes.
struct PageOrigin: Sendable, Equatable {
    /// In lower case; empty for `null`.
    let scheme: [UInt8]
    /// In lower case; may be empty where the scheme is not the web's.
    let host: [UInt8]
    /// That of the scheme where none is given; `nil` where the scheme has none.
    let port: Int?

    init?(_ text: some Collection<UInt8>) {
        let bytes = text.map(HostField.lowercased)[...]
        if bytes.elementsEqual("null".utf8) {
            scheme = []
            host = []
            port = nil
            return
        }
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), Self.isScheme(bytes[..<colon]),
            bytes[colon...].starts(with: "://".utf8), let authority = HostField(bytes[(colon + 3)...])
        else { return nil }
        scheme = Array(bytes[..<colon])
        host = authority.host
        let usual = Self.defaultPort(scheme)
        port = authority.port ?? usual
        guard usual == nil || !host.isEmpty else { return nil }
    }

    /// The origin of a page by its address, as `Origin` would have it; `nil`: it has none.
    static func text(ofPage address: String) -> String? {
        guard let mark = address.utf8.firstIndex(of: UInt8(ascii: ":")), address[mark...].utf8.starts(with: "://".utf8)
        else { return nil }
        let start = address.utf8.index(mark, offsetBy: 3)
        let end = address[start...].utf8.firstIndex { "/?#".utf8.contains($0) } ?? address.utf8.endIndex
        return String(address[..<end])
    }

    /// Whether it is of `http://` or `https://`.
    var isOfWeb: Bool { Self.defaultPort(scheme) != nil }

    /// Whether it is `null`.
    var isOpaque: Bool { scheme.isEmpty }

    /// Whether nobody on the way can have written the page.
    var isSecure: Bool { scheme.elementsEqual("https".utf8) }

    /// Whether its page came from that host and port.
    func isOfHost(_ other: HostField?) -> Bool {
        guard isOfWeb, let other else { return false }
        return other.host == host && (other.port ?? Self.defaultPort(scheme)) == port
    }

    private static func defaultPort(_ scheme: [UInt8]) -> Int? {
        if scheme.elementsEqual("https".utf8) { return 443 }
        return scheme.elementsEqual("http".utf8) ? 80 : nil
    }

    /// RFC 3986 §3.1. Pages are never of `ws://` or `wss://`, though their sockets are: in a list that is a mistake.
    private static func isScheme(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard let first = bytes.first, isLetter(first),
            !["ws", "wss"].contains(where: { bytes.elementsEqual($0.utf8) })
        else { return false }
        return bytes.allSatisfy { isLetter($0) || HostField.isDigit($0) || "+-.".utf8.contains($0) }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte }
}
