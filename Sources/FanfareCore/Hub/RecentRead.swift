import FanfareWire

/// The newest read of a history whose answer held all that there was, for clients that come back one after the other: who wants
/// no more, of a channel that has not gone on since, gets the same page and the same frames.
///
/// A shard keeps one, for as long as ``lifetime``: what a thousand clients of a channel cost that lost their node is one
/// read and one encoding. So it may give publications to a client that the history has let go of a moment ago.
struct RecentRead {
    let channel: ChannelName
    let query: HistoryQuery
    let page: HistoryPage
    let frames: SharedFrames
    /// Ticks that it has seen.
    var age = 0

    /// Whether it is an answer to a query of that channel, now that live traffic is at that place.
    func answers(_ other: HistoryQuery, of channel: ChannelName, at live: StreamPosition?) -> Bool {
        guard channel == self.channel, page.position == live, query.reverse == other.reverse else { return false }
        switch (query.since, other.since) {
        case (nil, nil): return other.limit <= query.limit
        case (let mine?, let theirs?):
            // Who has more than this loop has passed on has it from another node: the page is too old for it.
            return !page.isCut && mine.epoch == theirs.epoch && mine.offset <= theirs.offset
                && theirs.offset <= page.position.offset
        default: return false
        }
    }
}
