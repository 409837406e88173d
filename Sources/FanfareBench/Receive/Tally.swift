import Histogram

/// Latencies or other times in microseconds, three digits exact.
typealias Times = Histogram<UInt64>

/// What the clients of one event loop, or of all, measured.
struct Tally: Sendable {
    /// From the stamp to the read that brought it.
    var latency = Tally.times()
    /// From the first SYN to a subscription in force.
    var connect = Tally.times()
    /// Distinct or not, of this run.
    var received = 0
    /// Seen before by the same client.
    var repeated = 0
    /// After a later one.
    var outOfOrder = 0
    /// Of another channel or run, or no stamp of ours at all.
    var foreign = 0
    /// When the last one came; ``MonotonicClock``.
    var lastAt: Int64 = 0
    /// Why clients could not connect.
    var refused = Reasons()
    /// Why clients ended.
    var lost = Reasons()

    /// An empty histogram, up to an hour; it grows when that is not enough.
    static func times() -> Times {
        var times = Times(highestTrackableValue: 3_600_000_000, numberOfSignificantValueDigits: .three)
        times.autoResize = true
        return times
    }

    /// Adds another event loop's, or a later part of the run.
    mutating func add(_ other: Tally) {
        latency.add(other.latency)
        connect.add(other.connect)
        received += other.received
        repeated += other.repeated
        outOfOrder += other.outOfOrder
        foreign += other.foreign
        lastAt = max(lastAt, other.lastAt)
        refused.add(other.refused)
        lost.add(other.lost)
    }
}

/// How often something happened for which reason; bounded, for reasons come from the server.
struct Reasons: Sendable, Equatable {
    /// Different reasons kept; the rest is counted as `other`.
    static let limit = 16

    private(set) var counts: [String: Int] = [:]

    var total: Int { counts.values.reduce(0, +) }

    mutating func note(_ reason: String, count: Int = 1) {
        let isKnown = counts[reason] != nil || counts.count < Self.limit
        counts[isKnown ? reason : "other", default: 0] += count
    }

    mutating func add(_ other: Reasons) {
        for (reason, count) in other.counts { note(reason, count: count) }
    }
}
