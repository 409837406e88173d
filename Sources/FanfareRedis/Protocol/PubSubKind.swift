import FanfareWire
import NIOCore

/// The two kinds of Pub/Sub, which differ in verbs and in the channels' names.
enum PubSubKind: Sendable {
    /// A Redis on its own: `SUBSCRIBE`, `<prefix>channel`.
    case plain
    /// A Redis Cluster: `SSUBSCRIBE`, `<prefix>{channel}`, so that a channel lives in the slot of its keys.
    case sharded

    var subscribe: String { self == .plain ? "SUBSCRIBE" : "SSUBSCRIBE" }
    var unsubscribe: String { self == .plain ? "UNSUBSCRIBE" : "SUNSUBSCRIBE" }
    var publish: ByteBuffer { self == .plain ? RedisVerb.publish : RedisVerb.spublish }

    /// Bits in which streams that began are noted (``StreamScripts``): half a megabyte for a Redis; in a Redis Cluster as much
    /// in all of its 16,384 slots, but at least 512 bytes for each.
    var birthBits: Int { self == .plain ? 4_194_304 : 4_096 }

    /// What stands before a channel's name in Redis, and what behind it.
    func affixes(_ prefix: String) -> (before: String, after: String) {
        self == .plain ? (prefix, "") : (prefix + "{", "}")
    }

    /// What came on a subscribing link.
    enum Event {
        case message
        case subscribed
        case unsubscribed
    }

    /// By the first element of a message.
    static func event(_ kind: UnsafeRawBufferPointer) -> Event? {
        // `message`, `subscribe`, `unsubscribe`, or those with an `s` before them: lengths and first letters tell them apart.
        guard let first = kind.first else { return nil }
        switch (first, kind.count) {
        case (UInt8(ascii: "m"), 7), (UInt8(ascii: "s"), 8): return .message
        case (UInt8(ascii: "s"), 9), (UInt8(ascii: "s"), 10): return .subscribed
        case (UInt8(ascii: "u"), 11), (UInt8(ascii: "s"), 12): return .unsubscribed
        default: return nil
        }
    }
}
