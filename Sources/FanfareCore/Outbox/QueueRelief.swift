/// Whom a node cuts when all queues together take too much memory.
public enum QueueRelief {
    /// A client for which something waits.
    public struct Candidate {
        /// Its index in the loop's list of clients.
        public let index: Int
        /// Bytes that its end frees, about.
        public let bytes: Int
        /// Since when something has waited, microseconds of the monotonic clock.
        public let since: UInt64

        public init(index: Int, bytes: Int, since: UInt64) {
            self.index = index
            self.bytes = bytes
            self.since = since
        }
    }

    /// Those to be cut so that `excess` bytes are free: the largest first, and of those that are within a factor of two the
    /// oldest, for a client that has just fallen behind may be about to catch up.
    public static func victims(_ candidates: [Candidate], excess: Int) -> [Int] {
        let ordered = candidates.filter { $0.bytes > 0 }.sorted { one, other in
            let (mine, theirs) = (size(one), size(other))
            if mine != theirs { return mine > theirs }
            if one.since != other.since { return one.since < other.since }
            return one.bytes > other.bytes
        }
        var left = excess
        return ordered.prefix { candidate in
            defer { left -= candidate.bytes }
            return left > 0
        }.map(\.index)
    }

    private static func size(_ candidate: Candidate) -> Int {
        Int.bitWidth - candidate.bytes.leadingZeroBitCount
    }
}
