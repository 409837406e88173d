/// The short way to a client: takes bytes at once or not at all, with nothing of the client's own state.
///
/// The hub keeps the open lanes of a shard side by side, so that a fan-out reads a few bytes for each subscriber and not its
/// whole connection, which at thousands of subscribers is no longer in the processor's cache.
public protocol HubLane: Sendable {
    /// Sends what can go now. Returns how many bytes went, negative when the connection is broken. On the event loop that
    /// owns the shard.
    func send(_ bytes: UnsafeRawBufferPointer) -> Int

    /// As ``send(_:)`` of one piece of memory, with one call to the kernel for some twenty frames.
    func send(_ pieces: UnsafeBufferPointer<UnsafeRawBufferPointer>) -> Int
}

/// The lanes of one shard. A client has the same place from its first subscription to its end.
struct LaneTable<Lane: HubLane> {
    private var lanes: [Lane?] = []
    private var free: [Int32] = []

    subscript(place: Int32) -> Lane? {
        get { lanes[Int(place)] }
        set { lanes[Int(place)] = newValue }
    }

    mutating func add(_ lane: Lane?) -> Int32 {
        if let place = free.popLast() {
            lanes[Int(place)] = lane
            return place
        }
        lanes.append(lane)
        return Int32(lanes.count - 1)
    }

    mutating func remove(_ place: Int32) {
        lanes[Int(place)] = nil
        free.append(place)
    }
}
