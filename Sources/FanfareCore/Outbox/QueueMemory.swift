import Synchronization

/// Memory that all outboxes of a node hold. A batch that many clients have yet to take counts once for each event loop,
/// as it is in memory once; so a broadcast to ten thousand clients that lag a little is not taken for a flood.
///
/// Changed when bytes come into an outbox or go, never by what the kernel takes at once. Any thread.
public final class QueueMemory: Sendable {
    /// Bytes above which the largest queues are cut.
    public let limit: Int
    private let held = Atomic<Int>(0)

    public init(limit: Int) { self.limit = limit }

    /// Bytes that are held now.
    public var bytes: Int { held.load(ordering: .relaxed) }

    /// Whether that is too much.
    public var isAbove: Bool { bytes > limit }

    /// Cutting goes on down to here, so that the next publication does not begin it anew.
    public var lowWater: Int { limit - limit / 8 }

    /// Bytes that a loop has to free which holds `own` of them: its part of what is too much.
    public func share(own: Int) -> Int {
        let all = bytes
        guard all > limit, own > 0 else { return 0 }
        let excess = Double(all - lowWater)
        return min(own, Int((excess * Double(own) / Double(max(all, own))).rounded(.up)))
    }

    func change(by bytes: Int) { held.wrappingAdd(bytes, ordering: .relaxed) }
}
