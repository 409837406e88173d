import FanfareCore
import FanfareWire

/// A page of a channel's history, read in slices: Redis runs a script to its end before it does anything else, so a read
/// of a thousand publications in one go would hold up every publish of the cluster for ten milliseconds.
///
/// Publications may come and go between two slices. The page is then what a single read at the time of its last slice
/// would have found (with `reverse`: of its first), or a part of that from its newer end. A pure state machine.
struct SlicedRead {

    /// What follows a slice.
    enum Step {
        /// The page is complete.
        case done(HistoryPage)
        /// Read ``SlicedRead/next``.
        case goOn
        /// The stream began anew again and again.
        case giveUp
    }

    private let query: HistoryQuery
    private let startsSmall: Bool
    private var page: HistoryPage?
    private var bytes = 0
    /// Publications that all slices brought, also those that are not in the page any more.
    private var count = 0
    private var restarts = 0

    /// - Parameter startsSmall: whether the first slice most likely finds little or nothing.
    init(_ query: HistoryQuery, startsSmall: Bool = false) {
        self.query = query
        self.startsSmall = startsSmall
    }

    /// What to ask for next.
    var next: HistoryQuery {
        var slice = query
        if let page, let last = page.publications.last?.position { slice.since = last }
        slice.limit = min(query.limit - (page?.publications.count ?? 0), RedisBounds.sliceEntries)
        let most = page == nil && startsSmall ? RedisBounds.firstSliceBytes : RedisBounds.sliceBytes
        slice.maxBytes = max(1, min(query.maxBytes - bytes, most))
        return slice
    }

    /// Bytes that the next slice may bring, about.
    var cost: Int { query.limit == 0 ? 1_024 : min(next.maxBytes, max(1, next.limit) * 4_096) + 1_024 }

    /// The answer to ``next``.
    mutating func take(_ slice: HistoryPage) -> Step {
        bytes += slice.publications.reduce(0) { $0 + $1.size }
        count += slice.publications.count
        guard let before = page else { return took(slice, slice) }
        guard slice.position.epoch == before.position.epoch else {
            restarts += 1
            (page, bytes) = (nil, 0)
            return restarts < RedisBounds.readRestarts ? .goOn : .giveUp
        }
        var whole = slice
        whole.unreadable += before.unreadable
        if query.reverse { whole.position = before.position }
        // What can't be read leaves a hole that whoever needs all of the page finds; the rest of it belongs together.
        if query.reverse || slice.unreadable > 0
            || isConnected(slice, to: before.publications.last?.position?.offset ?? 0)
        {
            whole.publications = before.publications + slice.publications
        }
        return took(slice, whole)
    }

    /// Whether nothing was taken out of the stream between what was read before and this slice.
    private func isConnected(_ slice: HistoryPage, to last: UInt64) -> Bool {
        guard let first = slice.publications.first?.position?.offset else { return last == slice.position.offset }
        return slice.follows(first, last)
    }

    private mutating func took(_ slice: HistoryPage, _ whole: HistoryPage) -> Step {
        page = whole
        // Without a publication there is no place from which to go on.
        guard slice.isCut, !slice.publications.isEmpty, whole.publications.count < query.limit, bytes < query.maxBytes,
            count < 2 * query.limit
        else { return .done(whole) }
        return .goOn
    }
}
