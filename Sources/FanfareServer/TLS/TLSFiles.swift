import Crypto

/// Where the certificate of the public port and its key are. Both are read as PEM, again and again.
public struct TLSFiles: Sendable, Equatable {
    /// The node's certificate first, then those between it and an authority that clients know.
    public var certificate: String
    /// Its private key, without a passphrase.
    public var key: String

    public init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }

    /// Says whether what the two paths lead to is still the same, also when it can't be read. Content counts and not a
    /// date: a link to another folder (certbot, Kubernetes) may lead to a file with the same date and size.
    func fingerprint() -> SHA256Digest {
        var hash = SHA256()
        for path in [certificate, key] {
            let content: [UInt8]
            do {
                content = try ConfigurationFile.bytes(of: path)
            } catch {
                content = Array("\(error)".utf8)
            }
            hash.update(data: SHA256.hash(data: content).map { $0 })
        }
        return hash.finalize()
    }
}

/// Why certificate and key can't be used. Never quotes the key.
struct TLSProblem: Error, CustomStringConvertible {
    /// The setting that names the file to blame.
    let setting: String
    let path: String
    /// What is wrong with it, to be put behind the path.
    let reason: String

    var description: String { "\(setting): '\(path)' \(reason)" }
}
