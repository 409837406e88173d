import FanfareWire
import NIOCore

/// Puts a client's packets together: a text message, and as many binary ones behind it as it announces. A pure state machine; what it
/// holds is bounded in number and bytes.
struct SocketIOAssembler: Sendable {
    /// A packet with all its attachments.
    struct Whole: Sendable, Equatable {
        let packet: SocketIOPacket
        let attachments: [ByteBuffer]
    }

    private struct Partial: Sendable {
        let packet: SocketIOPacket
        var attachments: [ByteBuffer]
        /// Of the text and of the attachments that came.
        var bytes: Int
    }

    /// The packet of which attachments are missing: none or one, so an array that is nothing when empty.
    private var partial: [Partial] = []

    /// Whether attachments are to come.
    var isWithinPacket: Bool { !partial.isEmpty }

    /// A message came.
    ///
    /// - Parameter maxAttachments: of a packet.
    /// - Returns: the packet that is whole with it; `nil`: attachments are to come.
    mutating func take(_ message: Payload, maxAttachments: Int) throws(SocketIOPacketError) -> Whole? {
        switch message.kind {
        case .text:
            guard partial.isEmpty else { throw .order("a packet came before the attachments of the one before it") }
            let packet = try SocketIOPacket(message.bytes, maxAttachments: maxAttachments)
            guard packet.attachments > 0 else { return Whole(packet: packet, attachments: []) }
            partial = [Partial(packet: packet, attachments: [], bytes: message.bytes.readableBytes)]
            return nil
        case .binary:
            guard !partial.isEmpty else { throw .order("an attachment came that no packet announced") }
            partial[0].attachments.append(message.bytes)
            partial[0].bytes += message.bytes.readableBytes
            guard partial[0].attachments.count == partial[0].packet.attachments else { return nil }
            let whole = partial.removeLast()
            return Whole(packet: whole.packet, attachments: whole.attachments)
        }
    }

    /// Bytes of a packet that is not whole.
    var bytes: Int { partial.first?.bytes ?? 0 }
}
