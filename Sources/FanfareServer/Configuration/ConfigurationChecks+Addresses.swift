/// Who is believed about where clients come from.
extension ConfigurationChecks {
    func completeAddresses(_ configuration: inout NodeConfiguration, problems: inout [String]) {
        guard let text = text("trusted-proxies") else { return }
        do {
            configuration.trusted = try TrustedNetworks(text)
        } catch {
            problems.append("\(name("trusted-proxies")): \(error); allowed: \(range("trusted-proxies"))")
        }
    }

    func addressesWithoutEffect(_ configuration: NodeConfiguration) -> [String] {
        guard configuration.trusted.isEmpty, configuration.clientAddress != .peer,
            let origin = given["client-address"]?.origin
        else { return [] }
        return ["\(origin) has no effect: nobody is trusted (\(name("trusted-proxies")))"]
    }

    func addressDangers(_ configuration: NodeConfiguration) -> [String] {
        guard let network = configuration.trusted.tooWide else { return [] }
        return [
            "\(name("trusted-proxies")): everybody in \(network) may say to come from any address, and no limit by address "
                + "holds for them"
        ]
    }
}
