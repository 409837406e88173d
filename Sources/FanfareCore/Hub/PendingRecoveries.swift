import FanfareWire

/// The clients of one channel on one event loop that get something from its history before live traffic.
///
/// One read serves all that asked meanwhile. Live publications that arrive during a read are kept for them: the read may
/// be older than what this loop has passed on. It may be newer, too; then a client waits until live traffic is there.
struct PendingRecoveries<Member: HubMember> {
    typealias Waiter = ChannelSlot<Member>.Waiter

    /// A client that has its answer and joins its channel's subscribers behind that offset.
    struct Catching {
        let waiter: Waiter
        let offset: UInt64
    }

    /// A read under way, or one whose answer not everybody has yet.
    struct Reading {
        let waiters: [Waiter]
        /// Index of the first waiter that has no answer.
        var next = 0
        let query: HistoryQuery
        /// The offset after which it reads; `nil`: it reads the newest.
        var since: UInt64? { query.since?.offset }
        /// What it brought.
        var cost = ReadCost()
        /// Whether the broker was asked, and not a read of a moment ago taken again.
        var isFresh = true
        /// Of what the broker was asked for, the share of each.
        var share: Int { isFresh ? (cost.items + waiters.count - 1) / max(1, waiters.count) : 0 }
        /// Its page and the live publications behind it, for all whom it serves.
        var shared: SharedFrames?
        /// How many live publications are in ``shared``.
        var later = 0
    }

    /// Clients that no read serves yet.
    var asking: [Waiter] = []
    /// Reads under way and whom they serve.
    var reads: [UInt64: Reading] = [:]
    var catching: [Catching] = []
    /// Live publications since the oldest read under way began.
    private(set) var recent: [Publication] = []
    private var recentBytes = 0
    /// Whether some are missing in it.
    private(set) var hasOverflowed = false

    var isEmpty: Bool { asking.isEmpty && reads.isEmpty && catching.isEmpty }

    /// Keeps a live publication while reads are under way.
    mutating func keep(_ publication: Publication) {
        guard !reads.isEmpty, !hasOverflowed else { return }
        recentBytes += publication.payload.bytes.readableBytes + 256
        guard recentBytes <= Self.maximumRecent else {
            recent = []
            hasOverflowed = true
            return
        }
        recent.append(publication)
    }

    /// Live publications of the stream behind a place.
    func recent(after place: StreamPosition) -> [Publication] {
        recent.filter { publication in
            guard let position = publication.position, position.epoch == place.epoch else { return false }
            return position.offset > place.offset
        }
    }

    /// No read is under way any more.
    mutating func endTurn() {
        guard reads.isEmpty else { return }
        (recent, recentBytes, hasOverflowed) = ([], 0, false)
    }
}
