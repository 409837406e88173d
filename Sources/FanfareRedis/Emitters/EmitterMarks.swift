import NIOCore

/// Gives each message that a node hears on Pub/Sub a name that every other node gives it, though messages have none: the last mark that
/// was heard before it, what it says, and how many alike came since the mark.
///
/// Marks are messages that nodes publish to the same Redis, which gives all its subscribers everything in one order. So whoever heard a
/// mark and everything since counts alike; whoever lost its connection begins with the next mark. A pure state machine.
struct EmitterMarks {
    /// Different messages after which the next mark is wanted, so that what was counted can be forgotten.
    static let wanted = 4_096
    /// Different messages since a mark that are counted; more have no name.
    static let maximum = 65_536

    private struct Digest: Hashable {
        let hash: UInt64
        let length: Int
    }

    private var mark: String?
    private var counts: [Digest: UInt32] = [:]

    /// Whether messages have names by now.
    var isMarked: Bool { mark != nil }

    /// Whether it is time for another mark.
    var wantsMark: Bool { mark == nil || counts.count >= Self.wanted }

    /// A mark came.
    mutating func heard(_ mark: String) {
        self.mark = mark
        counts.removeAll(keepingCapacity: counts.count <= Self.wanted)
    }

    /// Something may not have been heard.
    mutating func lost() {
        mark = nil
        counts = [:]
    }

    /// The name of a message, at most 96 bytes where marks have ``bytes``; `nil`: it has none.
    ///
    /// - Parameter channel: as Redis says it.
    mutating func name(_ channel: UnsafeRawBufferPointer, _ message: UnsafeRawBufferPointer) -> String? {
        guard let mark else { return nil }
        let digest = Digest(
            hash: Self.hash(message, Self.hash(channel, 0xCBF2_9CE4_8422_2325)), length: message.count)
        guard counts[digest] != nil || counts.count < Self.maximum else { return nil }
        let number = counts[digest, default: 0] &+ 1
        counts[digest] = number
        return "emit:\(mark):\(String(digest.hash, radix: 36)):\(digest.length):\(number)"
    }

    /// FNV-1a: the same on all nodes. Whoever makes two messages alike can only lose its own, and may publish anything anyway.
    private static func hash(_ bytes: UnsafeRawBufferPointer, _ start: UInt64) -> UInt64 {
        var hash = start
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return (hash ^ 0xFF) &* 0x0000_0100_0000_01B3
    }

    /// Bytes of a mark at most.
    static let bytes = 32

    /// A mark that nobody else makes: the node's id, a dot, and a random number.
    static func make(_ node: UInt32) -> String {
        String(node, radix: 36) + "." + String(UInt64.random(in: 0...UInt64.max), radix: 36)
    }

    /// What a node says that stops: others need not wait until its last mark is old.
    static func farewell(_ node: UInt32) -> String { String(node, radix: 36) + "." }

    /// Which node made a mark, or said farewell; `nil`: it is none.
    static func node(of mark: UnsafeRawBufferPointer) -> UInt32? {
        guard mark.count <= bytes, let dot = mark.firstIndex(of: UInt8(ascii: ".")) else { return nil }
        return UInt32(String(decoding: mark[..<dot], as: UTF8.self), radix: 36)
    }
}
