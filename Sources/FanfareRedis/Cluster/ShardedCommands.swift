import FanfareWire
import NIOCore

/// The SSUBSCRIBEs and SUNSUBSCRIBEs of a link that are not answered yet.
///
/// A command is about one slot. An error answers a whole command and names at most the slot, and a node that loses a slot
/// sends `sunsubscribe` unasked; so what came has to be held against what was sent. What is attributed wrongly all the same
/// is asked for again a second later.
struct ShardedCommands {
    private struct Sent {
        let isSubscribe: Bool
        let slot: Int
        /// Without an answer yet, in order; empty for the probe.
        var channels: [ChannelName]
    }

    private var sent = CircularBuffer<Sent>()

    /// Splits channels by slot: commands that may be sent as they are.
    static func bySlot(_ channels: [ChannelName]) -> [(slot: Int, channels: [ChannelName])] {
        let slots = Dictionary(grouping: channels) { HashSlot.slot(of: $0.string.utf8) }
        return slots.map { ($0.key, $0.value) }
    }

    mutating func add(isSubscribe: Bool, slot: Int, _ channels: [ChannelName]) {
        sent.append(Sent(isSubscribe: isSubscribe, slot: slot, channels: channels))
    }

    /// `ssubscribe` came for a channel; `nil`: for the probe.
    mutating func subscribed(_ channel: ChannelName?) {
        guard let channel else { return remove { $0.isSubscribe && $0.channels.isEmpty } }
        _ = take(channel, isSubscribe: true)
    }

    /// `sunsubscribe` came. Returns whether it answers one of ours.
    mutating func unsubscribed(_ channel: ChannelName) -> Bool { take(channel, isSubscribe: false) }

    /// An error came: the channels that are not subscribed by it.
    mutating func refused(_ words: String) -> [ChannelName] {
        let slot = ClusterRedirect.slot(words)
        guard let index = sent.firstIndex(where: { slot == nil || $0.slot == slot }) else { return [] }
        let command = sent.remove(at: index)
        return command.isSubscribe ? command.channels : []
    }

    /// The link is another one.
    mutating func reset() { sent.removeAll() }

    private mutating func take(_ channel: ChannelName, isSubscribe: Bool) -> Bool {
        // The first one, as long as answers come in order.
        guard let index = sent.firstIndex(where: { $0.isSubscribe == isSubscribe && $0.channels.contains(channel) })
        else {
            return false
        }
        sent[index].channels.removeAll { $0 == channel }
        if sent[index].channels.isEmpty { sent.remove(at: index) }
        return true
    }

    private mutating func remove(where isWanted: (Sent) -> Bool) {
        if let index = sent.firstIndex(where: isWanted) { sent.remove(at: index) }
    }
}
