import Foundation
import JWTKit

extension TokenKey {
    /// The keys of a PEM file: one or several public keys or certificates, so that keys can be rotated.
    public static func publicKeys(pem text: String) async throws(TokenKeyError) -> [TokenKey] {
        let blocks = blocks(text)
        guard !blocks.isEmpty else { throw .noPEM }
        var keys: [TokenKey] = []
        for block in blocks {
            guard !block.label.hasSuffix("PRIVATE KEY") else { throw .isPrivate }
            guard let key = try await publicKey(block) else { throw .unknownPEM }
            keys.append(key)
        }
        return keys
    }

    /// The private key of a PEM file, for tools that make tokens.
    public static func privateKey(pem text: String) async throws(TokenKeyError) -> TokenKey {
        guard let pem = blocks(text).first(where: { $0.label.hasSuffix("PRIVATE KEY") })?.text else { throw .noPEM }
        if let key = try? Insecure.RSA.PrivateKey(pem: pem) { return try await rsa(key) }
        if let key = try? ES256PrivateKey(pem: pem) { return try await ecdsa(key) }
        if let key = try? EdDSA.PrivateKey(pem: pem) { return try await eddsa(key) }
        throw .unknownPEM
    }

    private static func publicKey(_ block: Block) async throws(TokenKeyError) -> TokenKey? {
        if block.label == "CERTIFICATE" {
            if let key = try? Insecure.RSA.PublicKey(certificatePEM: block.text) { return try await rsa(key) }
            if let key = try? ES256PublicKey(certificate: block.text) { return try await ecdsa(key) }
            return nil
        }
        if let key = try? Insecure.RSA.PublicKey(pem: block.text) { return try await rsa(key) }
        if let key = try? ES256PublicKey(pem: block.text) { return try await ecdsa(key) }
        if let key = try? EdDSA.PublicKey(pem: block.text) { return try await eddsa(key) }
        return nil
    }

    private struct Block {
        let label: String
        let text: String
    }

    /// What stands between `-----BEGIN x-----` and `-----END x-----`; text around it is a comment (RFC 7468 §2).
    private static func blocks(_ text: String) -> [Block] {
        var blocks: [Block] = []
        var lines: [Substring] = []
        var label: Substring?
        for line in text.split(whereSeparator: \.isNewline) {
            if line.hasPrefix("-----BEGIN "), line.hasSuffix("-----") {
                label = line.dropFirst(11).dropLast(5)
                lines = []
            }
            guard let name = label else { continue }
            lines.append(line)
            if line.hasPrefix("-----END ") {
                // `openssl ecparam -genkey` puts the curve's name before the key.
                if name != "EC PARAMETERS" {
                    blocks.append(Block(label: String(name), text: lines.joined(separator: "\n") + "\n"))
                }
                label = nil
            }
        }
        return blocks
    }
}
