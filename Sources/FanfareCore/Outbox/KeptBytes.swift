/// Bytes that a client's session keeps until the client says that they may go, beside what waits in its outbox.
///
/// Belongs to one event loop; counts in its gauge and in the node's ``QueueMemory``. Where several clients keep the same bytes each is
/// counted for all of them: too much, but what is never acknowledged must not be free because somebody else has it, too.
public struct KeptBytes {
    /// Bytes that are counted now.
    public private(set) var count = 0

    public init() {}

    /// Counts so many from now on.
    public mutating func set(_ bytes: Int, memory: QueueMemory, metrics: LoopMetrics) {
        guard bytes != count else { return }
        memory.change(by: bytes - count)
        metrics.counters.add(.queueMemory, bytes - count)
        count = bytes
    }
}
