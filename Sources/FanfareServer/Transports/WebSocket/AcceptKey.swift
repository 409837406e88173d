import Crypto
import FanfareWire

extension OpeningHandshake.Acceptance {
    /// `Sec-WebSocket-Accept` (RFC 6455 §4.2.2): shows that a WebSocket server answers. SHA-1 is a checksum here and keeps
    /// nothing secret.
    var acceptKey: String {
        var hash = Insecure.SHA1()
        for part in [key, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"] {
            var part = part
            part.withUTF8 { hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }
        }
        return String(decoding: Base64.encode(Array(hash.finalize())), as: UTF8.self)
    }
}
