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
        size = bytes.storageCapacity
        memory.change(by: size)
        metrics.counters.add(.queueMemory, size)
    }

    deinit {
        memory.change(by: -size)
        metrics.counters.add(.queueMemory, -size)
    }

    /// Bytes that an outbox frees when it lets go, about: those of others are not its own.
    var share: Int { size / max(1, holders) }
}

/// Finds what a turn has queued already: the clients of a fan-out queue the same bytes one after the other.
public struct QueueLedger {
    private let memory: QueueMemory
    private let metrics: LoopMetrics
    /// The last: with one channel the only one.
    private var last: QueuedBytes?
    /// Others, by where the bytes begin. An entry holds them, so nothing else can be there.
    private var known: [UnsafeRawPointer: QueuedBytes] = [:]

    public init(memory: QueueMemory, metrics: LoopMetrics) {
        self.memory = memory
        self.metrics = metrics
    }

    /// The entry for these bytes, shared with whoever queued them in this turn.
    public mutating func entry(for bytes: ByteBuffer) -> QueuedBytes {
        if let last {
            if Self.isSame(last.bytes, bytes) { return last }
            if let start = Self.start(of: last.bytes) { known[start] = last }
            if let start = Self.start(of: bytes), let entry = known[start], Self.isSame(entry.bytes, bytes) {
                self.last = entry
                return entry
            }
        }
        let entry = QueuedBytes(bytes, memory: memory, metrics: metrics)
        last = entry
        return entry
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
