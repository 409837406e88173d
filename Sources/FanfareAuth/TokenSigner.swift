import FanfareWire
import NIOCore

/// Makes tokens: for `fanfare token create` and for tests. Backends use the JWT library of their language.
public enum TokenSigner {
    /// - Parameters:
    ///   - claims: the payload, a JSON object.
    ///   - keyID: `kid` for a key set.
    public static func sign(
        claims: ByteBuffer, with key: TokenKey, keyID: String? = nil
    ) throws(TokenKeyError) -> String {
        var header = ByteBuffer()
        header.writeString(#"{"alg":"\#(key.algorithm.rawValue)","typ":"JWT""#)
        if let keyID {
            header.writeStaticString(#","kid":"#)
            JSONWriter.writeString(keyID, into: &header)
        }
        header.writeStaticString("}")
        return try sign(header: header, claims: claims, with: key)
    }

    /// With a header of the caller's own.
    static func sign(
        header: ByteBuffer, claims: ByteBuffer, with key: TokenKey
    ) throws(TokenKeyError) -> String {
        let signed = Base64URL.encode(header.readableBytesView) + "." + Base64URL.encode(claims.readableBytesView)
        return signed + "." + Base64URL.encode(try key.sign(Array(signed.utf8)))
    }
}
