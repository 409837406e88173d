import FanfareCore
import FanfareWire
import Foundation
import JWTKit

/// A key that checks signatures of exactly one algorithm: a public key can never serve as a secret of HMAC, whatever a
/// token's header says. jwt-kit makes the key and does the cryptography; which key a token gets is decided in `TokenKeys`,
/// since jwt-kit's own collection takes its default key for an unknown `kid` and does not look at `alg`.
public struct TokenKey: Sendable {
    let algorithm: TokenAlgorithm
    /// `kid`; `nil`: for tokens with any.
    let id: ExactText?
    /// Synchronous, made once.
    private let backing: any JWTAlgorithm

    private init(_ algorithm: TokenAlgorithm, id: ExactText?, _ keys: JWTKeyCollection) async throws(TokenKeyError) {
        self.algorithm = algorithm
        self.id = id
        do {
            backing = try await keys.getKey()
        } catch {
            throw .unusable
        }
    }

    /// Whether `signature` is one of this key.
    func verify(_ signature: [UInt8], of signed: [UInt8]) -> Bool {
        (try? backing.verify(signature, signs: signed)) ?? false
    }

    /// Signs with a secret or private key.
    func sign(_ bytes: [UInt8]) throws(TokenKeyError) -> [UInt8] {
        do {
            return try backing.sign(bytes)
        } catch {
            throw .unusable
        }
    }

    /// A secret of HMAC.
    public static func secret(_ secret: String, _ algorithm: TokenAlgorithm) async throws(TokenKeyError) -> TokenKey {
        guard !secret.hasPrefix("-----BEGIN") else { throw .secretIsPEM }
        // HMAC fills a key up with zeros to the hash's block (RFC 2104 §2), so these change nothing, and jwt-kit asserts
        // that a key is as long as the hash.
        var bytes = Array(secret.utf8)
        while bytes.count < 64 { bytes.append(0) }
        let digest: DigestAlgorithm
        switch algorithm {
        case .hs256: digest = .sha256
        case .hs384: digest = .sha384
        case .hs512: digest = .sha512
        case .rs256, .es256, .eddsa: throw .otherAlgorithm
        }
        let keys = await JWTKeyCollection().add(hmac: HMACKey(from: bytes), digestAlgorithm: digest)
        return try await TokenKey(algorithm, id: nil, keys)
    }

    static func rsa(_ key: some RSAKey, id: ExactText? = nil) async throws(TokenKeyError) -> TokenKey {
        try await TokenKey(.rs256, id: id, JWTKeyCollection().add(rsa: key, digestAlgorithm: .sha256))
    }

    static func ecdsa(_ key: some ECDSAKey, id: ExactText? = nil) async throws(TokenKeyError) -> TokenKey {
        try await TokenKey(.es256, id: id, JWTKeyCollection().add(ecdsa: key))
    }

    static func eddsa(_ key: some EdDSAKey, id: ExactText? = nil) async throws(TokenKeyError) -> TokenKey {
        try await TokenKey(.eddsa, id: id, JWTKeyCollection().add(eddsa: key))
    }
}

/// Why something is no key; the description never quotes it.
public enum TokenKeyError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A PEM file where a secret belongs: whoever has the public key could sign.
    case secretIsPEM
    /// A private key where a public one belongs.
    case isPrivate
    /// PEM, but no RSA key of 2048 bits or more, no P-256 key and no Ed25519 key.
    case unknownPEM
    /// No PEM block at all.
    case noPEM
    /// Not a JSON Web Key Set.
    case notAKeySet
    /// A key set without a single key that can be used.
    case noUsableKey
    /// More bytes or keys than there may be.
    case tooBig
    /// The file or URL did not give anything.
    case unreachable(String)
    /// The key's kind does not fit the algorithm.
    case otherAlgorithm
    /// The library refuses it.
    case unusable

    public var description: String {
        switch self {
        case .secretIsPEM: "is a PEM file, not a secret; give public keys with token-public-key-file"
        case .isPrivate: "holds a private key; a node needs only the public one"
        case .unknownPEM: "holds a key that is neither RSA of at least 2048 bits nor P-256 nor Ed25519"
        case .noPEM: "holds no PEM block"
        case .notAKeySet: "is not a JSON Web Key Set (RFC 7517)"
        case .noUsableKey: "holds no key for RS256, ES256 or EdDSA"
        case .tooBig: "is above the limit of \(KeySetLoader.maximumBytes) bytes or \(KeySet.maximumKeys) keys"
        case .unreachable(let reason): "can't be had: \(reason)"
        case .otherAlgorithm: "does not fit the algorithm"
        case .unusable: "is not a usable key"
        }
    }
}
