import NIOCore

/// The body of a client's close frame (RFC 6455 §5.5.1, §7.4).
enum CloseFrame {
    /// The event that the body amounts to.
    static func read(_ body: ByteBuffer) -> WebSocketReader.Event {
        var body = body
        guard body.readableBytes > 0 else { return .close(code: nil, reason: "") }
        guard let code = body.readInteger(as: UInt16.self) else {
            return .failure(.protocolError, "close frame with a body of one byte")
        }
        guard isAllowed(code) else { return .failure(.protocolError, "close code \(code) may not be sent") }
        guard body.withUnsafeReadableBytes({ UTF8Validator.isValid($0) }) else {
            return .failure(.invalidPayload, "close reason is not UTF-8")
        }
        return .close(code: code, reason: String(buffer: body))
    }

    /// RFC 6455 §7.4.1, §7.4.2 and the IANA registry: 1004–1006 and 1015 are never sent, 1016–2999 are unassigned.
    static func isAllowed(_ code: UInt16) -> Bool {
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}
