/// Who is believed about where clients come from. `ConfigurationChecks+Addresses` reads the list.
extension Setting {
    private static let defaults = NodeConfiguration()

    static let addresses: [Setting] = [
        text(
            "trusted-proxies", "none, or addresses, networks (10.0.0.0/8), loopback, private with commas between them",
            default: defaults.trustedProxies,
            "Proxies that are believed about the addresses of their clients, and that no limit by address holds for. private: "
                + "all networks that the internet does not route.", \.trustedProxies),
        Setting(
            "client-address", .choice(ForwardedPath.Source.allCases.map(\.rawValue)),
            default: defaults.clientAddress.rawValue,
            "Where trusted proxies say who their client is; they must write it themselves and not hand on the client's. peer: "
                + "nowhere, the other end of the connection is the client."
        ) { configuration, value in
            if case .text(let text) = value {
                configuration.clientAddress = ForwardedPath.Source(rawValue: text) ?? .xForwardedFor
            }
        },
    ]
}
