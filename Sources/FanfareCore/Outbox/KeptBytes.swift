/// Bytes that a client's session keeps until the client says that they may go, beside what waits in its outbox.
///
/// Belongs to one event loop; counts in its gauge and in the node's ``QueueMemory``. Where several clients keep the same bytes each is
/// counted for all of them: too much, but what is never acknowledged must not be free because somebody else has it, too.
public struct KeptBytes {
    /// As 32 bits, for every client has these: no limits let a session keep 4 GiB.
    private var counted: UInt32 = 0

    /// Bytes that are counted now.
    public var count: Int { Int(counted) }

    public init() {}

    /// Counts so many from now on.
    public mutating func set(_ bytes: Int, memory: QueueMemory, metrics: LoopMetrics) {
        let bytes = UInt32(clamping: bytes)
        guard bytes != counted else { return }
        let change = Int(bytes) - count
        memory.change(by: change)
        metrics.counters.add(.queueMemory, change)
        counted = bytes
    }
}
