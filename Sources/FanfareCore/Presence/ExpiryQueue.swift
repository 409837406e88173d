import FanfareWire
import NIOCore

/// Clients by time, the earliest first. An entry is not taken out when its client gets another time: whoever takes the first
/// one looks whether it still counts.
struct ExpiryQueue {
    struct Entry {
        let client: ExactText
        /// Microseconds of the monotonic clock.
        let time: UInt64
    }

    private var entries = CircularBuffer<Entry>()
    /// Entries that were looked at so far.
    private(set) var steps = 0

    var first: Entry? { entries.first }
    var count: Int { entries.count }

    /// Adds a client. Times come in their order, as the clock goes; one that does not is put where it belongs.
    mutating func add(_ client: ExactText, _ time: UInt64) {
        steps += 1
        guard let last = entries.last, last.time > time else {
            return entries.append(Entry(client: client, time: time))
        }
        let index = entries.firstIndex { $0.time > time } ?? entries.endIndex
        steps += entries.count
        entries.insert(Entry(client: client, time: time), at: index)
    }

    mutating func removeFirst() {
        steps += 1
        entries.removeFirst()
    }

    /// Drops what does not count any more.
    mutating func keep(_ counts: (Entry) -> Bool) {
        steps += entries.count
        entries = CircularBuffer(entries.filter(counts))
    }
}
