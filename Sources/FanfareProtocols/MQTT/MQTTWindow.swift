import NIOCore

/// What a client was sent with QoS 1 and 2 and has not acknowledged to its end, and which of its subscriptions are to get more when there is
/// room.
///
/// One for all subscriptions of a client, for so is its Receive Maximum (§4.9). Within a connection nothing is sent again (§4.4), so of a
/// message nothing stays but its packet identifier: who acknowledges nothing keeps a full window, and the node some bytes for each entry. A
/// pure state machine: who sends and reads is the session.
struct MQTTWindow: Sendable {
    /// What a message waits for.
    enum Phase: UInt8, Sendable {
        case puback
        case pubrec
        /// PUBREL was said.
        case pubcomp
    }

    /// A message under way.
    struct Message: Sendable {
        let id: UInt16
        var phase: Phase
        /// What it takes of the client's budget; 0 once the client has it.
        var bytes: UInt32
    }

    /// What an acknowledgement does.
    enum Outcome: Sendable, Equatable {
        /// It moves a message on, or ends it.
        case taken
        /// PUBREL answers it, with this reason.
        case release(MQTTReason)
        /// No message has that id.
        case unknown
        /// The message of that id waits for something else.
        case wrong
    }

    /// Messages that may be under way.
    let limit: Int
    /// Bytes of those that the client has not acknowledged at all. The last may be bigger.
    let maxBytes: Int
    /// In the order in which they were sent.
    private(set) var messages: [Message] = []
    private(set) var bytes = 0
    /// Numbers of subscriptions that are to get more. The first is the next that is read for.
    private(set) var behind: [UInt32] = []
    /// The one that is being read for.
    private(set) var reading: UInt32?
    private var lastID: UInt16

    /// - Parameter lastID: identifiers begin behind it.
    init(limit: Int, maxBytes: Int, lastID: UInt16 = 0) {
        (self.limit, self.maxBytes, self.lastID) = (max(1, limit), maxBytes, lastID)
    }

    // MARK: Room

    /// Messages that are read at a time: not one for each acknowledgement.
    var quantum: Int { max(1, limit / 2) }

    private var room: Int { limit - messages.count }

    /// Whether a message that comes now may be sent. While a subscription is to get more, what it is read is kept free, or others would
    /// take each place that an acknowledgement gives back.
    var hasRoom: Bool { room > (behind.isEmpty ? 0 : quantum) && bytes < maxBytes }

    /// Whether one that was read may be sent.
    var hasRoomForRead: Bool { room > 0 && bytes < maxBytes }

    /// Whether the next subscription may be read for.
    var mayRead: Bool { reading == nil && !behind.isEmpty && room >= quantum && bytes <= maxBytes / 2 }

    // MARK: Messages

    /// The identifier that the next message has. None that is under way, and not 0 (§2.2.1).
    var nextID: UInt16 {
        var id = lastID
        repeat { id = id == .max ? 1 : id + 1 } while messages.contains { $0.id == id }
        return id
    }

    /// A message leaves, with ``nextID``.
    mutating func sent(_ id: UInt16, _ qos: MQTTQoS, bytes count: Int) {
        lastID = id
        let count = UInt32(clamping: count)
        bytes += Int(count)
        messages.append(Message(id: id, phase: qos == .exactlyOnce ? .pubrec : .puback, bytes: count))
    }

    /// PUBACK, PUBREC or PUBCOMP came (§4.3).
    mutating func acknowledge(_ packet: MQTTAcknowledgement) -> Outcome {
        guard let index = messages.firstIndex(where: { $0.id == packet.packetID }) else {
            return packet.type == .pubrec ? .release(.packetIdentifierNotFound) : .unknown
        }
        let isRefused = packet.reason.rawValue >= 0x80
        switch (packet.type, messages[index].phase) {
        case (.puback, .puback), (.pubcomp, .pubcomp):
            end(index)
            return .taken
        case (.pubrec, .pubrec) where isRefused:
            end(index)
            return .taken
        case (.pubrec, .pubrec):
            bytes -= Int(messages[index].bytes)
            (messages[index].phase, messages[index].bytes) = (.pubcomp, 0)
            return .release(.success)
        case (.pubrec, .pubcomp) where !isRefused: return .release(.success)
        default: return .wrong
        }
    }

    private mutating func end(_ index: Int) {
        bytes -= Int(messages[index].bytes)
        messages.remove(at: index)
        // Of a burst nothing stays with a client that is idle.
        if messages.isEmpty, messages.capacity > 8 { messages = [] }
    }

    // MARK: Subscriptions that are to get more

    /// A subscription is to get more. The caller sees to it that it is not in line already.
    mutating func wait(_ subscription: UInt32) { behind.append(subscription) }

    /// The subscription has ended.
    mutating func forget(_ subscription: UInt32) { behind.removeAll { $0 == subscription } }

    /// Begins to read for the next one; `nil`: there is none, or no room.
    mutating func beginReading() -> UInt32? {
        guard mayRead else { return nil }
        reading = behind.first
        return reading
    }

    /// What was read is here. Returns whether it was read for a subscription in line, which has left the line.
    mutating func endReading(_ subscription: UInt32) -> Bool {
        guard reading == subscription else { return false }
        reading = nil
        forget(subscription)
        return true
    }
}
