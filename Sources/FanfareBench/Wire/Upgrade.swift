import NIOCore

/// The client's side of the opening handshake (RFC 6455 §4.1).
package enum Upgrade {
    /// What became of it.
    package enum Outcome: Equatable {
        /// More bytes must come.
        case incomplete
        /// The WebSocket is open.
        case open
        /// Something else than 101.
        case refused(HTTPAnswer)
    }

    // The key of RFC 6455 §1.3 and its answer: all clients use it, for nothing between them and the server caches.
    private static let key = "dGhlIHNhbXBsZSBub25jZQ=="
    private static let accept = "s3pplmbitxaq9kygzzhzrbk+xoo="

    /// The request.
    static func request(_ endpoint: Endpoint, path: String) -> ByteBuffer {
        request(authority: endpoint.authority, path: path)
    }

    /// The request.
    package static func request(authority: String, path: String) -> ByteBuffer {
        ByteBuffer(
            string: """
                GET \(path) HTTP/1.1\r
                Host: \(authority)\r
                Upgrade: websocket\r
                Connection: Upgrade\r
                Sec-WebSocket-Version: 13\r
                Sec-WebSocket-Key: \(key)\r
                \r

                """)
    }

    /// Takes the answer off the buffer.
    package static func read(_ buffer: inout ByteBuffer) throws(HTTPAnswer.Mistake) -> Outcome {
        guard let answer = try HTTPAnswer.read(&buffer) else { return .incomplete }
        guard answer.status == 101 else { return .refused(answer) }
        guard answer["sec-websocket-accept"] == accept else {
            throw HTTPAnswer.Mistake(description: "a 101 without the right Sec-WebSocket-Accept")
        }
        return .open
    }
}
