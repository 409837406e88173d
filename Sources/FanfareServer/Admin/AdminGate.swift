/// Keeps web pages away from an admin port that needs no key (RFC 6454; Fetch Metadata). Pure.
///
/// A browser on a machine that reaches the port sends there whatever any page asks for: forms and `no-cors` requests to
/// `http://127.0.0.1`, and with a name that the page's owner lets lead here (DNS rebinding) anything, answers included. Such
/// requests give themselves away: by a Host that is not this port's, by an `Origin`, by `Sec-Fetch-Site`.
struct AdminGate: Sendable {
    /// Names of hosts in lower case.
    private let names: Set<[UInt8]>
    private let isLoopback: Bool
    private let checksHost: Bool

    /// - Parameters:
    ///   - bound: the host at which the port is bound.
    ///   - names: further names and addresses under which it is reached, as ``read(_:)`` takes them.
    init(bound: String, names: [HostField]) {
        isLoopback = NetworkAddress(bound).isLoopback
        checksHost = isLoopback || !names.isEmpty
        let own = ["localhost", bound].map { $0.utf8.map(HostField.lowercased) }
        self.names = Set(own + names.map(\.host))
    }

    /// Hosts with commas or spaces between them, without ports.
    ///
    /// - Returns: `nil` where one of them is none.
    static func read(_ text: String) -> [HostField]? {
        let words = text.split { $0 == "," || $0.isWhitespace }
        let hosts = words.compactMap { HostField($0.utf8) }.filter { !$0.host.isEmpty && $0.port == nil }
        return hosts.count == words.count ? hosts : nil
    }

    /// Why a request without a key may not go on; `nil`: it may.
    ///
    /// - Parameters:
    ///   - host: its field Host; `nil`: none, as HTTP/1.0 may have it and no browser does.
    ///   - origins: its fields Origin.
    ///   - site: its field Sec-Fetch-Site.
    func refusal(host: String?, origins: [String], site: String?) -> APIFailure? {
        let field = host.flatMap { HostField($0) }
        let isOwn = field.map(isOwn) ?? false
        if let host, checksHost, !isOwn { return .foreignHost(host) }
        if !origins.isEmpty {
            // Also where any host will do: that of a page is the same as that of its own request.
            guard isOwn, origins.count == 1, let origin = PageOrigin(origins[0].utf8), origin.isOfHost(field) else {
                return .foreignPage
            }
        }
        guard let site, !["none", "same-origin"].contains(where: { site.utf8.elementsEqual($0.utf8) }) else {
            return nil
        }
        return .foreignPage
    }

    /// Whether no stranger can have made this name: it is one of those that are known, or an address.
    private func isOwn(_ host: HostField) -> Bool {
        if names.contains(host.host) { return true }
        guard let address = host.address else { return false }
        return !isLoopback || TrustedNetworks.loopback.contains(address)
    }
}

extension APIFailure {
    /// Misdirected (RFC 9110 §15.5.20).
    static func foreignHost(_ host: String) -> APIFailure {
        APIFailure(
            status: 421, code: 107,
            message:
                "this port is not known as '\(host.prefix(100))': ask for 127.0.0.1, [::1] or localhost, list the name "
                + "in admin-names, or send a key of admin-api-keys")
    }

    static let foreignPage = APIFailure(
        status: 403, code: 107,
        message: "web pages may not use this port without a key: send one of admin-api-keys, or ask from a program")
}
