import FanfareWire
import Foundation
import JWTKit
import NIOCore

/// A JSON Web Key Set (RFC 7517 §5): its keys that can check the algorithms known here; others are left out, as the RFC
/// wants, for a provider may add kinds of keys at any time.
enum KeySet {
    /// Most keys of a set; providers have two or three.
    static let maximumKeys = 64

    static func read(_ text: ByteBuffer) async throws(TokenKeyError) -> [TokenKey] {
        guard let set = JSONLine(text).flatMap({ JSONMembers($0.bytes) }), let entries = set["keys"]?.elements else {
            throw .notAKeySet
        }
        guard entries.count <= maximumKeys else { throw .tooBig }
        var keys: [TokenKey] = []
        for entry in entries {
            guard let members = JSONMembers(entry.bytes) else { throw .notAKeySet }
            if let key = try? await key(members) { keys.append(key) }
        }
        guard !keys.isEmpty else { throw .noUsableKey }
        return keys
    }

    /// Only the public half of a key is ever read.
    private static func key(_ members: JSONMembers) async throws -> TokenKey? {
        func text(_ name: String) -> String? { members[name]?.string }
        // A key for encryption is not one for signatures (RFC 7517 §4.2).
        guard text("use") ?? "sig" == "sig" else { return nil }
        let id = text("kid")
        switch (text("kty"), text("alg"), text("crv")) {
        case ("RSA", nil, _), ("RSA", "RS256", _):
            guard let modulus = text("n"), let exponent = text("e") else { return nil }
            return try await .rsa(Insecure.RSA.PublicKey(modulus: modulus, exponent: exponent), id: id)
        case ("EC", nil, "P-256"), ("EC", "ES256", "P-256"):
            guard let x = text("x"), let y = text("y") else { return nil }
            return try await .ecdsa(ES256PublicKey(parameters: (x, y)), id: id)
        case ("OKP", nil, "Ed25519"), ("OKP", "EdDSA", "Ed25519"):
            guard let x = text("x") else { return nil }
            return try await .eddsa(EdDSA.PublicKey(x: x, curve: .ed25519), id: id)
        default:
            return nil
        }
    }
}
