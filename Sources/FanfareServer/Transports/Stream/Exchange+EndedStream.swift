import FanfareWire
import HTTPTypes

/// A browser whose event stream is over for good, and that comes back nevertheless: a stream's end always means that to it.
extension Exchange {
    /// Whether it has heard the end.
    var isBackAfterEnd: Bool {
        request.method == .get && request.headerFields[values: .lastEventID] == [LastEventID.ended]
    }

    /// Answers it so that it stays away.
    func answerEnded() {
        // Without that, caches may give the answer to others: they don't look at `Last-Event-ID`.
        answer(.noContent, [.cacheControl: "no-store"])
    }
}
