import NIOCore

/// Whole frames that wait for at least one client: in memory once, whoever shares them.
///
/// Belongs to one event loop; counts in its gauge and in the node's ``QueueMemory`` as long as an outbox holds it.
public final class QueuedBytes {
    public let bytes: ByteBuffer
    /// Outboxes that hold it.
    public internal(set) var holders = 0
    private let memory: QueueMemory
    private let metrics: LoopMetrics
    private let size: Int

    public init(_ bytes: ByteBuffer, memory: QueueMemory, metrics: LoopMetrics) {
        self.bytes = bytes
        self.memory = memory
        self.metrics = metrics
        size = bytes.storageCapacity + Self.ownBytes
        memory.change(by: size)
        metrics.counters.add(.queueMemory, size)
    }

    deinit {
        memory.change(by: -size)
        metrics.counters.add(.queueMemory, -size)
    }

    /// Counts memory of an outbox that is beside what waits in it; below zero: it is free again.
    func weigh(_ bytes: Int) {
        guard bytes != 0 else { return }
        memory.change(by: bytes)
        metrics.counters.add(.queueMemory, bytes)
    }

    /// Bytes that an outbox frees when it lets go, about: those of others are not its own.
    var share: Int { size / max(1, holders) }
}

/// Finds what is queued already: the clients of a fan-out queue the same bytes one after the other, in one turn; those that
/// come back get the same history in many.
public struct QueueLedger {
    private struct Large { weak var entry: QueuedBytes? }

    private let memory: QueueMemory
    private let metrics: LoopMetrics
    /// The last: with one channel the only one.
    private var last: QueuedBytes?
    /// Others of this turn, by where the bytes begin. An entry holds them, so nothing else can be there.
    private var known: [UnsafeRawPointer: QueuedBytes] = [:]
    /// Large ones of any turn, as long as an outbox holds them.
    private var large: [UnsafeRawPointer: Large] = [:]
    /// How many of them are looked through for those that are gone.
    private var tidyAt = 16

    public init(memory: QueueMemory, metrics: LoopMetrics) {
        self.memory = memory
        self.metrics = metrics
    }

    /// The entry for these bytes, shared with whoever queued them in this turn, or still has them if they are many.
    public mutating func entry(for bytes: ByteBuffer) -> QueuedBytes {
        if let last, Self.isSame(last.bytes, bytes) { return last }
        guard let start = Self.start(of: bytes) else { return QueuedBytes(bytes, memory: memory, metrics: metrics) }
        if let last, let start = Self.start(of: last.bytes) { known[start] = last }
        let isLarge = bytes.readableBytes >= Self.largeBytes
        if let entry = known[start] ?? (isLarge ? large[start]?.entry : nil), Self.isSame(entry.bytes, bytes) {
            last = entry
            return entry
        }
        let entry = QueuedBytes(bytes, memory: memory, metrics: metrics)
        last = entry
        if isLarge { keep(entry, start) }
        return entry
    }

    private mutating func keep(_ entry: QueuedBytes, _ start: UnsafeRawPointer) {
        large[start] = Large(entry: entry)
        guard large.count > tidyAt else { return }
        large = large.filter { $0.value.entry != nil }
        tidyAt = max(16, 2 * large.count)
    }

    private static func start(of bytes: ByteBuffer) -> UnsafeRawPointer? {
        bytes.withUnsafeReadableBytes(\.baseAddress)
    }

    private static func isSame(_ one: ByteBuffer, _ other: ByteBuffer) -> Bool {
        start(of: one) == start(of: other) && one.readableBytes == other.readableBytes
    }

    /// The turn is over: what no outbox holds is let go.
    public mutating func forget() {
        last = nil
        if !known.isEmpty { known = [:] }
    }
}
