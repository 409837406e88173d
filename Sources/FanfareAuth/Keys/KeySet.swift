import FanfareWire
import Foundation
import JWTKit
import NIOCore

/// A JSON Web Key Set (RFC 7517 §5): its keys that can check the algorithms known here; others are left out, as the RFC
/// wants, for a provider may add kinds of keys at any time.
struct KeySet: Sendable {
    let keys: [TokenKey]
    /// Why the others are not used, one sentence each, for the log.
    let leftOut: [String]

    /// - Throws: ``TokenKeyError``; ``TokenKeyError/noUsableKey`` when all were left out.
    static func read(_ text: ByteBuffer) async throws(TokenKeyError) -> KeySet {
        guard let set = JSONLine(text).flatMap({ JSONMembers($0.bytes) }), let entries = set["keys"]?.elements else {
            throw .notAKeySet
        }
        guard entries.count <= maximumKeys else { throw .tooBig }
        var (keys, leftOut) = ([TokenKey](), [String]())
        for (index, entry) in entries.enumerated() {
            guard let members = JSONMembers(entry.bytes) else { throw .notAKeySet }
            if let obstacle = obstacle(members) {
                leftOut.append("\(name(members, index)) \(obstacle)")
            } else if let key = try? await key(members) {
                keys.append(key)
            } else {
                leftOut.append("\(name(members, index)) is of no kind that is known here, or broken")
            }
        }
        guard !keys.isEmpty else { throw .noUsableKey }
        return KeySet(keys: keys, leftOut: leftOut)
    }

    private static func name(_ members: JSONMembers, _ index: Int) -> String {
        guard let id = members["kid"]?.string else { return "key \(index + 1)" }
        return "key \(String(id.prefix(64)).debugDescription)"
    }

    /// Why a key is not for checking signatures (RFC 7517 §4.2 and §4.3), whatever it could do.
    private static func obstacle(_ members: JSONMembers) -> String? {
        if let use = members["use"], use.text != "sig" { return "is not for signatures: its use is not sig" }
        if let operations = members["key_ops"] {
            guard operations.elements?.contains(where: { $0.text == "verify" }) == true else {
                return "is not for checking signatures: its key_ops lack verify"
            }
        }
        return nil
    }

    /// Only the public half of a key is ever read.
    private static func key(_ members: JSONMembers) async throws -> TokenKey? {
        func text(_ name: ExactText) -> ExactText? { members[name]?.text }
        let id = text("kid")
        switch (text("kty"), text("alg"), text("crv")) {
        case ("RSA", nil, _), ("RSA", "RS256", _):
            guard let modulus = text("n"), let exponent = text("e") else { return nil }
            return try await .rsa(
                Insecure.RSA.PublicKey(modulus: modulus.string, exponent: exponent.string), id: id)
        case ("EC", nil, "P-256"), ("EC", "ES256", "P-256"):
            guard let x = text("x"), let y = text("y") else { return nil }
            return try await .ecdsa(ES256PublicKey(parameters: (x.string, y.string)), id: id)
        case ("OKP", nil, "Ed25519"), ("OKP", "EdDSA", "Ed25519"):
            guard let x = text("x") else { return nil }
            return try await .eddsa(EdDSA.PublicKey(x: x.string, curve: .ed25519), id: id)
        default:
            return nil
        }
    }
}
