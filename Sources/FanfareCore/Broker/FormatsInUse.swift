import FanfareWire
import Synchronization

/// Which wire formats any client of this node ever used: what the broker encodes when a publication enters.
public final class FormatsInUse: Sendable {
    private let mask = Atomic<UInt8>(0)

    /// Bytes of a frame from which formats with compression compress.
    public let threshold: Int

    public init(threshold: Int = .max) { self.threshold = threshold }

    /// The formats seen so far. Any thread.
    public var current: WireFormats { WireFormats(mask: mask.load(ordering: .relaxed), threshold: threshold) }

    /// Notes a client of `format`. Any thread; a store only the first time.
    public func note(_ format: WireFormat) {
        let bit = WireFormats.bit(format)
        if mask.load(ordering: .relaxed) & bit == 0 { mask.bitwiseOr(bit, ordering: .relaxed) }
    }
}
