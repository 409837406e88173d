/// Networks whose machines are believed when they say for whom they speak: the node's own proxies.
struct TrustedNetworks: Sendable, Equatable {
    /// Why a list of them can't be read.
    struct Mistake: Error, CustomStringConvertible {
        let description: String
    }

    private struct Network: Sendable, Equatable {
        let base: ClientAddress
        /// Of 128: an IPv4 network has 96 more than it is written with.
        let bits: Int

        var isV4: Bool { bits >= 96 && base.v4 != nil }

        func contains(_ address: ClientAddress) -> Bool { address.prefix(bits) == base }
    }

    private var networks: [Network] = []

    /// Nobody.
    static let none = TrustedNetworks()
    /// This machine.
    static let loopback = TrustedNetworks(networks: words("127.0.0.0/8 ::1"))
    /// This machine and all networks that the internet does not route (RFC 1918, RFC 4193, link-local).
    static let `private` = TrustedNetworks(
        networks: loopback.networks
            + words("10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 169.254.0.0/16 fc00::/7 fe80::/10"))

    private static func words(_ text: String) -> [Network] {
        text.split(separator: " ").compactMap { try? network(String($0)) }
    }

    private init(networks: [Network] = []) { self.networks = networks }

    /// Reads `none`, or `loopback`, `private`, addresses and networks with commas or spaces between them.
    init(_ text: String) throws(Mistake) {
        let entries = text.split { $0 == "," || $0.isWhitespace }.map(String.init)
        guard !entries.isEmpty else { throw Mistake(description: "the list is empty; for nobody write none") }
        for entry in entries {
            switch entry.lowercased() {
            case "none":
                guard entries.count == 1 else {
                    throw Mistake(description: "'none' stands beside others, and means that there are none")
                }
            case "loopback": networks += Self.loopback.networks
            case "private": networks += Self.private.networks
            default: networks.append(try Self.network(entry))
            }
        }
    }

    private static func network(_ text: String) throws(Mistake) -> Network {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = ClientAddress(String(parts[0])) else {
            throw Mistake(description: "'\(text)' is neither an IP address nor a network, as in 10.0.0.0/8")
        }
        let most = parts[0].contains(":") ? 128 : 32
        var bits = most
        if parts.count == 2 {
            guard let number = ClientAddress.decimal(Array(parts[1].utf8)[...], digits: 3), number <= most else {
                throw Mistake(description: "'\(text)': what follows the / is a number from 0 to \(most)")
            }
            bits = number
        }
        bits += 128 - most
        let base = address.prefix(bits)
        guard base == address else {
            throw Mistake(
                description: "'\(text)' has bits behind its prefix; the network is \(base)/\(bits - 128 + most)")
        }
        return Network(base: base, bits: bits)
    }

    /// Whether nobody is trusted.
    var isEmpty: Bool { networks.isEmpty }

    func contains(_ address: ClientAddress) -> Bool { networks.contains { $0.contains(address) } }

    /// A network among them too big to be anybody's own: strangers in it could choose who they are.
    var tooWide: String? {
        networks.first { $0.bits < ($0.isV4 ? 96 + 8 : 16) && !Self.private.networks.contains($0) }
            .map { "\($0.base)/\($0.isV4 ? $0.bits - 96 : $0.bits)" }
    }
}
