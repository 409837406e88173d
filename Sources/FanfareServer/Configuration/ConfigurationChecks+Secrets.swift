import FanfareAuth

/// Secrets that are too short to be secret. A node does not start with one; with `--dev` it says so and starts.
extension ConfigurationChecks {
    /// Bytes of a key of the server API. Whoever guesses it publishes everywhere, and 16 random ones can't be guessed.
    static let leastKeyBytes = 16

    func weakSecrets(_ configuration: NodeConfiguration) -> [String] {
        var found: [String] = []
        let tokens = configuration.tokens
        if let weak = tokens.secrets.map(\.value.utf8.count).min(),
            let algorithm = tokens.algorithms.max(by: { $0.leastSecretBytes < $1.leastSecretBytes }),
            weak < algorithm.leastSecretBytes
        {
            found.append(
                "\(name("token-hmac-secret")): *** is \(weak) bytes long, and \(algorithm.rawValue) needs at least "
                    + "\(algorithm.leastSecretBytes) (RFC 7518 section 3.2): a shorter one can be guessed from one token. "
                    + "To make one: openssl rand -hex 32")
        }
        let keys = text("admin-api-keys")?.split(whereSeparator: \.isWhitespace) ?? []
        if let weak = keys.map(\.utf8.count).min(), weak < Self.leastKeyBytes {
            found.append(
                "\(name("admin-api-keys")): *** has a key of \(weak) \(weak == 1 ? "byte" : "bytes"), and a key needs at least "
                    + "\(Self.leastKeyBytes): a shorter one can be guessed. To make one: openssl rand -hex 32")
        }
        return found
    }
}
