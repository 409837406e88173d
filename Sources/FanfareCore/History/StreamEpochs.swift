import FanfareWire

/// The epochs of streams that do not exist yet.
///
/// A subscriber of a channel in which nothing was ever published needs a position to come back with, and must not leave
/// anything behind. So all channels without a stream have one epoch, and a stream begins with it. What is remembered are the
/// channels whose stream has ended: their next one has an epoch of its own, so that no offset means two publications.
struct StreamEpochs {
    private var common = StreamPosition.makeEpoch()
    /// By a hash of the channel's name; two channels with the same one share an epoch, which harms neither.
    private var ended: [UInt64: String] = [:]

    /// The epoch with which the channel's next stream begins.
    func next(_ channel: ChannelName) -> String {
        ended.isEmpty ? common : ended[ChannelShard.fnv1a(channel.string.utf8)] ?? common
    }

    /// The channel's stream is no more.
    mutating func end(_ channel: ChannelName) {
        if ended.count >= Self.maximumEnded { self = StreamEpochs() }
        ended[ChannelShard.fnv1a(channel.string.utf8)] = StreamPosition.makeEpoch()
    }
}
