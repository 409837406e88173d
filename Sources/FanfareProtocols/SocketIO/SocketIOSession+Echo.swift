import FanfareCore
import FanfareWire
import NIOCore

/// What the protocol's suite wants of a server (socket.io-protocol, v5 test suite): its handlers, on a node for tests.
extension SocketIOSession {
    /// `auth`, with the object of the handshake.
    static func echo(_ namespace: ExactText, auth: ByteBuffer?) -> Body {
        SocketIOWriter.packet(.event, namespace) { buffer in
            buffer.writeStaticString("[\"auth\",")
            buffer.writeImmutableBuffer(auth ?? ByteBuffer(string: "{}"))
            buffer.writeStaticString("]")
        }
    }

    /// `message` comes back as `message-back`, the arguments of `message-with-ack` as its acknowledgement.
    func echo(_ command: SocketIOCommand, _ event: SocketIOEvent, _ attachments: [ByteBuffer]) -> SessionAction {
        if let rest = Self.arguments(event, of: "message") {
            return .send(
                SocketIOWriter.packet(
                    attachments.isEmpty ? .event : .binaryEvent, command.namespace, attachments: attachments
                ) { buffer in
                    buffer.writeStaticString("[\"message-back\"")
                    if rest.readableBytes > 1 { buffer.writeStaticString(",") }
                    buffer.writeImmutableBuffer(rest)
                })
        }
        guard let ack = command.ack, let rest = Self.arguments(event, of: "message-with-ack") else { return .none }
        return .send(
            SocketIOWriter.packet(
                attachments.isEmpty ? .ack : .binaryAck, command.namespace, ack, attachments: attachments
            ) { buffer in
                buffer.writeStaticString("[")
                buffer.writeImmutableBuffer(rest)
            })
    }

    /// What is behind an event's name, with the bracket at the end; `nil`: it is another event, or written with spaces.
    private static func arguments(_ event: SocketIOEvent, of name: String) -> ByteBuffer? {
        var rest = event.data
        guard let start = rest.readString(length: name.utf8.count + 3), start == "[\"\(name)\"" else { return nil }
        if rest.readableBytesView.first == UInt8(ascii: ",") { rest.moveReaderIndex(forwardBy: 1) }
        return rest
    }
}
