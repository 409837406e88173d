import FanfareCore
import FanfareWire

/// All channels with history that this node hears: who waits for a position, which streams have to be read.
///
/// A pure state machine; the subscribing link carries out its ``Action``s in their order.
struct FollowedStreams {
    enum Action {
        /// For all receivers of its channel.
        case deliver(Publication)
        /// The same, for what a read of the stream brought, and what waited for it: late, and perhaps much at once.
        case repaired(Publication)
        /// For all receivers of the channel.
        case insufficient(ChannelName, StreamPosition)
        /// For one receiver.
        case subscribed(ChannelName, Waiter, StreamPosition)
        /// For one receiver, whose subscription is no more.
        case failed(ChannelName, Waiter, BrokerError)
    }

    /// Who waits for a channel's position.
    struct Waiter: Equatable {
        let receiver: Int
        let ticket: UInt64
    }

    /// What became of a read.
    struct Answer: Sendable {
        let read: Read
        let result: Result<HistoryPage, BrokerError>
    }

    /// A stream to be read.
    struct Read: Sendable {
        let channel: ChannelName
        let number: UInt64
        let query: HistoryQuery
    }

    private struct Entry {
        var tracker = StreamTracker()
        var waiters: [Waiter] = []
        /// Whether it is in `wanted`.
        var isWanted = false
    }

    private let metrics: BrokerMetrics
    private var entries: [ChannelName: Entry] = [:]
    /// Channels whose stream has to be read, in order; the first `next` were taken.
    private var wanted: [ChannelName] = []
    private var next = 0
    private var outstanding = 0
    private var lastRead: UInt64 = 0
    /// Channels whose read failed.
    private var failed: [ChannelName] = []
    /// Channels that are still to be checked in this round.
    private var unchecked: [ChannelName] = []

    init(metrics: BrokerMetrics) { self.metrics = metrics }

    /// Channels that are followed.
    var count: Int { entries.count }

    /// Whether no stream has to be read.
    var isSynchronized: Bool { outstanding == 0 && next == wanted.count && failed.isEmpty }

    /// Redis confirmed the channel's subscription on this link: everything from now on comes, what was before is read.
    mutating func confirmed(_ channel: ChannelName, _ waiters: [Waiter]) {
        entries[channel, default: Entry()].waiters += waiters
        want(channel)
    }

    /// Another broker followed the channel up to there; what comes after is read when Redis has confirmed it.
    mutating func adopt(_ channel: ChannelName, at position: StreamPosition) {
        if entries[channel]?.tracker.position == nil {
            entries[channel, default: Entry()].tracker = StreamTracker(position: position)
        }
    }

    /// A receiver wants a channel that is subscribed already.
    mutating func join(_ channel: ChannelName, _ waiter: Waiter) -> Action? {
        if let tracker = entries[channel]?.tracker, tracker.read == 0, let position = tracker.position {
            return .subscribed(channel, waiter, position)
        }
        entries[channel, default: Entry()].waiters.append(waiter)
        want(channel)
        return nil
    }

    /// A receiver wants it no more.
    mutating func leave(_ channel: ChannelName, receiver: Int) {
        entries[channel]?.waiters.removeAll { $0.receiver == receiver }
    }

    /// Nobody wants the channel any more.
    mutating func forget(_ channel: ChannelName) { entries[channel] = nil }

    mutating func publication(_ publication: Publication, at place: StreamPosition) -> Action? {
        guard var entry = entries[publication.channel] else { return nil }
        let verdict = entry.tracker.take(publication, at: place)
        entries[publication.channel] = entry
        switch verdict {
        case .deliver: return .deliver(publication)
        case .drop, .hold: return nil
        case .gap:
            metrics.counters.addShared(.gaps)
            want(publication.channel)
            return nil
        }
    }

    /// The answer to a read.
    mutating func answered(_ answer: Answer) -> [Action] {
        let read = answer.read
        outstanding = max(0, outstanding - 1)
        guard var entry = entries[read.channel], entry.tracker.read == read.number else { return [] }
        guard case .success(let page) = answer.result else {
            // Who waits is told; what is subscribed stays so and is read again.
            let waiters = entry.waiters
            entry.waiters = []
            entry.tracker.linkIsLost()
            entries[read.channel] = entry
            failed.append(read.channel)
            return waiters.map { .failed(read.channel, $0, .unavailable) }
        }
        let hadPosition = entry.tracker.position != nil
        let outcome = entry.tracker.take(page)
        var actions: [Action] = []
        if let position = outcome.insufficient {
            metrics.counters.addShared(.insufficient)
            actions.append(.insufficient(read.channel, position))
        }
        if hadPosition { metrics.counters.addShared(.repaired, outcome.repaired) }
        actions += outcome.publications.map(hadPosition ? Action.repaired : Action.deliver)
        if !outcome.readsOn, let position = entry.tracker.position {
            actions += entry.waiters.map { .subscribed(read.channel, $0, position) }
            entry.waiters = []
        }
        entries[read.channel] = entry
        if outcome.readsOn { want(read.channel) }
        return actions
    }

    /// The link is gone. Who waited is told.
    mutating func linkIsLost() -> [Action] {
        var actions: [Action] = []
        for (channel, var entry) in entries {
            actions += entry.waiters.map { .failed(channel, $0, .unavailable) }
            entry.waiters = []
            entry.isWanted = false
            entry.tracker.linkIsLost()
            entries[channel] = entry
        }
        (wanted, next, failed, outstanding) = ([], 0, [], 0)
        return actions
    }

    /// Reads that failed are wanted again.
    mutating func retry() {
        let channels = failed
        failed = []
        for channel in channels where entries[channel] != nil { want(channel) }
    }

    /// Wants the streams of the next part of all channels that nothing was heard of since the last time: what was lost
    /// without a trace comes to light here.
    ///
    /// - Parameter parts: calls in which all channels have their turn.
    mutating func check(parts: Int) {
        if unchecked.isEmpty { unchecked = Array(entries.keys) }
        for _ in 0..<min(unchecked.count, entries.count / max(1, parts) + 1) {
            let channel = unchecked.removeLast()
            guard var entry = entries[channel], entry.tracker.read == 0, entry.tracker.position != nil else { continue }
            let isHeard = entry.tracker.isHeard
            entry.tracker.isHeard = false
            entries[channel] = entry
            if !isHeard { want(channel) }
        }
    }

    /// Reads that may begin now.
    mutating func takeReads() -> [Read] {
        var reads: [Read] = []
        while next < wanted.count, outstanding < RedisBounds.streamReads {
            let channel = wanted[next]
            next += 1
            guard var entry = entries[channel], entry.isWanted else { continue }
            lastRead += 1
            entry.isWanted = false
            entry.tracker.reads(lastRead)
            reads.append(Read(channel: channel, number: lastRead, query: entry.tracker.query))
            entries[channel] = entry
            outstanding += 1
        }
        if next == wanted.count { (wanted, next) = ([], 0) }
        return reads
    }

    private mutating func want(_ channel: ChannelName) {
        guard entries[channel]?.isWanted == false else { return }
        entries[channel]?.isWanted = true
        entries[channel]?.tracker.reads()
        wanted.append(channel)
    }
}
