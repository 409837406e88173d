/// The signature algorithms that a token may use (RFC 7518 §3.1, RFC 8037 §3.1). `none` is not one of them, and neither is
/// anything that a header can ask for without the configuration allowing it.
public enum TokenAlgorithm: String, Sendable, CaseIterable, Hashable {
    /// HMAC with SHA-256.
    case hs256 = "HS256"
    /// HMAC with SHA-384.
    case hs384 = "HS384"
    /// HMAC with SHA-512.
    case hs512 = "HS512"
    /// RSA, PKCS#1 v1.5, SHA-256; keys of 2048 bits and more.
    case rs256 = "RS256"
    /// ECDSA on P-256 with SHA-256.
    case es256 = "ES256"
    /// Ed25519.
    case eddsa = "EdDSA"

    /// Those that are allowed unless the configuration says otherwise: one for each kind of key.
    public static let usual: [TokenAlgorithm] = [.hs256, .rs256, .es256, .eddsa]

    /// Bytes that a secret must have: as many as the hash (RFC 7518 §3.2); 0: there is no secret.
    public var leastSecretBytes: Int {
        switch self {
        case .hs256: 32
        case .hs384: 48
        case .hs512: 64
        case .rs256, .es256, .eddsa: 0
        }
    }

    /// Whether who can check a signature can also make one.
    public var isSymmetric: Bool {
        switch self {
        case .hs256, .hs384, .hs512: true
        case .rs256, .es256, .eddsa: false
        }
    }
}
