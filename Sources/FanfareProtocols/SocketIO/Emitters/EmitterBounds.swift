import FanfareWire

/// What one message of an emitter may hold at most. Whoever reaches Redis may send one.
enum EmitterBounds {
    /// Rooms that it names, those it leaves out among them.
    static let rooms = 1_024
    /// Bytes that one emit may come to as publications: its payload and the rooms before it, for each of its rooms.
    static let publishedBytes = 8_388_608
    /// Arrays and objects within each other.
    static let depth = JSONDepth.maximum
    /// Attachments of an event.
    static let attachments = SocketIOBounds.publishedAttachments
    /// Members of an object that says something to the node: those of a packet, of options, of a request.
    static let members = 32
    /// Bytes of a sender's name that are looked at.
    static let senderBytes = 64
}

/// Why a message of an emitter is not taken, in words for the log.
public struct EmitterError: Error, Equatable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}
