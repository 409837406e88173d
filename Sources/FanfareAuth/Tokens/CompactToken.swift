import FanfareCore
import FanfareWire
import NIOCore

/// A token in its compact form (RFC 7515 §7.1), taken apart and not believed yet.
struct CompactToken: Sendable {
    let algorithm: TokenAlgorithm
    /// `kid`: which key is meant, where there are several.
    let keyID: ExactText?
    /// What is signed: header and payload as they came.
    let signed: [UInt8]
    let signature: [UInt8]
    /// The payload, an object.
    let claims: JSONMembers

    /// - Parameters:
    ///   - allowed: algorithms that the configuration allows; a header only chooses among them.
    init(_ text: String, maxBytes: Int, allowed: Set<TokenAlgorithm>) throws(TokenRefusal) {
        let bytes = Array(text.utf8.prefix(maxBytes + 1))
        guard bytes.count <= maxBytes else { throw .tooLong }
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Self.object(parts[0]) else { throw .malformed }
        guard let name = header["alg"]?.string else { throw .malformed }
        guard let algorithm = TokenAlgorithm(rawValue: name), allowed.contains(algorithm) else { throw .algorithm }
        // An extension that must be understood (RFC 7515 §4.1.11); none is. Keys that a token brings along (`jwk`, `jku`,
        // `x5c`) are never looked at.
        guard header["crit"] == nil else { throw .malformed }
        if let id = header["kid"] {
            guard let id = id.text else { throw .malformed }
            keyID = id
        } else {
            keyID = nil
        }
        guard let claims = Self.object(parts[1]), let signature = Base64URL.decode(parts[2]) else { throw .malformed }
        self.algorithm = algorithm
        self.signature = signature
        self.claims = claims
        signed = Array(bytes[..<parts[1].endIndex])
    }

    /// A number that stands for this token within this process.
    var hash: Int {
        var hasher = Hasher()
        hasher.combine(signed)
        hasher.combine(signature)
        return hasher.finalize()
    }

    /// A JSON object in which no name stands twice: two readers must not see two tokens.
    private static func object(_ part: ArraySlice<UInt8>) -> JSONMembers? {
        guard let bytes = Base64URL.decode(part), bytes.withUnsafeBytes(UTF8Validator.isValid),
            let object = JSONMembers(ByteBuffer(bytes: bytes)), !object.hasDuplicates
        else { return nil }
        return object
    }
}
