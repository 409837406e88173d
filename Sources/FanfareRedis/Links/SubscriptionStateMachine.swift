import FanfareCore
import FanfareWire

/// Which channels this node wants from Redis, for which event loops, and what the present link knows of it.
///
/// A pure state machine. Commands are gathered and leave in batches (``takeCommands(batch:)``). Redis answers the
/// commands of a link in order, so a channel is in force when the last command sent for it was SUBSCRIBE and no answer
/// to one is outstanding.
struct SubscriptionStateMachine {
    /// Channels for one SUBSCRIBE or UNSUBSCRIBE.
    enum Command: Equatable {
        case subscribe([ChannelName])
        case unsubscribe([ChannelName])
    }

    /// An answer for an event loop.
    struct Answer {
        let receiver: Int
        let event: BrokerEvent

        /// Who is told that it has its channel.
        var waiter: FollowedStreams.Waiter? {
            guard case .subscribed(_, let ticket, _) = event else { return nil }
            return FollowedStreams.Waiter(receiver: receiver, ticket: ticket)
        }
    }

    private struct Entry {
        /// Bit mask of the receivers that want it.
        var receivers: UInt64 = 0
        /// Who waits for the answer.
        var waiting: [(receiver: Int, ticket: UInt64)] = []
        /// Whether the last command sent on this link was SUBSCRIBE.
        var isSent = false
        /// SUBSCRIBEs without an answer on this link.
        var outstanding = 0
        /// Whether it is in `dirty`.
        var isDirty = false
        /// Whether Redis refused it, and it is to be asked for again.
        var isRefused = false
    }

    private var entries: [ChannelName: Entry] = [:]
    private var dirty: [ChannelName] = []
    private var isUp = false
    private var outstanding = 0
    private var refused: [ChannelName] = []

    /// Channels that somebody wants, but for the nodes' own.
    private(set) var wantedCount = 0

    /// Whether Redis has confirmed everything that is wanted.
    var isSynchronized: Bool { isUp && outstanding == 0 && dirty.isEmpty && refused.isEmpty }

    /// The receivers of a channel's publications, as a bit mask.
    func receivers(of channel: ChannelName) -> UInt64 { entries[channel]?.receivers ?? 0 }

    /// Whether Redis confirmed the channel, and nothing is under way for it.
    func isInForce(_ channel: ChannelName) -> Bool {
        guard let entry = entries[channel] else { return false }
        return entry.isSent && entry.outstanding == 0
    }

    /// A receiver wants a channel. Returns the answer when there is one at once.
    mutating func subscribe(_ channel: ChannelName, receiver: Int, ticket: UInt64) -> Answer? {
        guard isUp else {
            return Answer(receiver: receiver, event: .subscribeFailed(channel, ticket: ticket, .unavailable))
        }
        var entry = entries[channel] ?? Entry()
        if entry.receivers == 0, !channel.isReserved { wantedCount += 1 }
        entry.receivers |= 1 << UInt64(receiver)
        if entry.isSent, entry.outstanding == 0 {
            entries[channel] = entry
            return Answer(receiver: receiver, event: .subscribed(channel, ticket: ticket, position: nil))
        }
        entry.waiting.append((receiver, ticket))
        markDirty(channel, &entry)
        entries[channel] = entry
        return nil
    }

    /// A receiver wants it no more.
    mutating func unsubscribe(_ channel: ChannelName, receiver: Int) {
        guard var entry = entries[channel], entry.receivers & 1 << UInt64(receiver) != 0 else { return }
        entry.receivers &= ~(1 << UInt64(receiver))
        entry.waiting.removeAll { $0.receiver == receiver }
        if entry.receivers == 0, !channel.isReserved { wantedCount -= 1 }
        markDirty(channel, &entry)
        entries[channel] = entry
    }

    /// What to send for the changes since the last call.
    mutating func takeCommands(batch: Int) -> [Command] {
        guard isUp else { return [] }
        var (joins, leaves): ([ChannelName], [ChannelName]) = ([], [])
        for channel in dirty {
            guard var entry = entries[channel] else { continue }
            entry.isDirty = false
            if entry.receivers != 0, !entry.isSent {
                entry.isSent = true
                entry.isRefused = false
                entry.outstanding += 1
                outstanding += 1
                joins.append(channel)
            } else if entry.receivers == 0, entry.isSent {
                entry.isSent = false
                leaves.append(channel)
            }
            entries[channel] = entry
            forget(ifUnused: channel)
        }
        dirty.removeAll(keepingCapacity: true)
        return Self.batches(leaves, batch).map(Command.unsubscribe) + Self.batches(joins, batch).map(Command.subscribe)
    }

    /// Redis confirmed a SUBSCRIBE for that channel.
    mutating func confirmed(_ channel: ChannelName) -> [Answer] {
        guard var entry = entries[channel], entry.outstanding > 0 else { return [] }
        entry.outstanding -= 1
        outstanding -= 1
        var answers: [Answer] = []
        if entry.outstanding == 0, entry.isSent {
            answers = entry.waiting.map {
                Answer(receiver: $0.receiver, event: .subscribed(channel, ticket: $0.ticket, position: nil))
            }
            entry.waiting = []
        }
        entries[channel] = entry
        forget(ifUnused: channel)
        return answers
    }

    /// A receiver has this channel already, over another link: nobody waits for an answer, and an outage ends nothing.
    mutating func adopt(_ channel: ChannelName, receiver: Int) {
        var entry = entries[channel] ?? Entry()
        if entry.receivers == 0, !channel.isReserved { wantedCount += 1 }
        entry.receivers |= 1 << UInt64(receiver)
        markDirty(channel, &entry)
        entries[channel] = entry
    }

    /// Redis ended a subscription by itself: it is asked for again.
    mutating func ended(_ channel: ChannelName) {
        guard var entry = entries[channel], entry.isSent else { return }
        entry.isSent = false
        markDirty(channel, &entry)
        entries[channel] = entry
    }

    /// Redis refused a SUBSCRIBE: it is asked for again after ``retry()``.
    mutating func refused(_ channel: ChannelName) {
        guard var entry = entries[channel], entry.outstanding > 0 else { return }
        entry.outstanding -= 1
        outstanding -= 1
        if entry.isSent, entry.outstanding == 0 {
            entry.isSent = false
            entry.isRefused = true
            refused.append(channel)
        }
        entries[channel] = entry
        forget(ifUnused: channel)
    }

    /// What was refused is to be asked for again, as far as it is still wanted.
    mutating func retry() {
        for channel in refused {
            guard var entry = entries[channel], entry.isRefused else { continue }
            entry.isRefused = false
            markDirty(channel, &entry)
            entries[channel] = entry
        }
        refused = []
    }

    /// A link is up: everything that is wanted has to be asked for again.
    mutating func linkIsUp() {
        isUp = true
        for channel in Array(entries.keys) {
            guard var entry = entries[channel] else { continue }
            markDirty(channel, &entry)
            entries[channel] = entry
        }
    }

    /// The link is gone. Who waited is told; who had its channel keeps it and gets it back with the next link.
    mutating func linkIsLost() -> [Answer] {
        guard isUp else { return [] }
        isUp = false
        outstanding = 0
        dirty = []
        refused = []
        var answers: [Answer] = []
        for channel in Array(entries.keys) {
            guard var entry = entries[channel] else { continue }
            for (receiver, ticket) in entry.waiting {
                answers.append(
                    Answer(receiver: receiver, event: .subscribeFailed(channel, ticket: ticket, .unavailable)))
                entry.receivers &= ~(1 << UInt64(receiver))
            }
            if entry.receivers == 0, !entry.waiting.isEmpty, !channel.isReserved { wantedCount -= 1 }
            entry.waiting = []
            entry.isSent = false
            entry.isDirty = false
            entry.isRefused = false
            entry.outstanding = 0
            entries[channel] = entry
            forget(ifUnused: channel)
        }
        return answers
    }

    private mutating func markDirty(_ channel: ChannelName, _ entry: inout Entry) {
        guard !entry.isDirty else { return }
        entry.isDirty = true
        dirty.append(channel)
    }

    private mutating func forget(ifUnused channel: ChannelName) {
        guard let entry = entries[channel], entry.receivers == 0, !entry.isSent, entry.outstanding == 0, !entry.isDirty
        else { return }
        entries[channel] = nil
    }

    private static func batches(_ channels: [ChannelName], _ size: Int) -> [[ChannelName]] {
        stride(from: 0, to: channels.count, by: size).map { Array(channels[$0..<min($0 + size, channels.count)]) }
    }
}
