import FanfareCore
import FanfareWire

/// What a poll's address says: how long it may take (`?wait=25s`, `?wait=500ms`, `?wait=0`), and where what came meanwhile is kept
/// for it (`?cursor=`).
struct PollQuery {
    typealias Problem = RecoveryQuery.Problem

    /// What is kept between two polls.
    enum Cursor: Equatable {
        /// From now on something is to be.
        case new
        case known(PollCursor)
        /// One of nobody.
        case unreadable
    }

    private(set) var wait = usual
    /// `nil`: nothing is.
    private(set) var cursor: Cursor?

    /// - Parameter target: the request target as received.
    init(_ target: String) throws(Problem) {
        for item in QueryItems(target) {
            if item.name.elementsEqual("wait".utf8) {
                guard let duration = Self.duration(item.value), duration <= Self.longest else {
                    throw Problem(
                        description: "wait must be a time of at most 60s, as in wait=25s, wait=500ms or wait=0")
                }
                wait = duration
            } else if item.name.elementsEqual("cursor".utf8) {
                let isNew = item.value.elementsEqual("new".utf8)
                cursor = isNew ? .new : PollCursor(item.value).map(Cursor.known) ?? .unreadable
            }
        }
    }

    private static func duration(_ text: Substring.UTF8View) -> Duration? {
        let digits = text.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        let unit = text.dropFirst(digits.count)
        guard (1...6).contains(digits.count), let number = Int(String(Substring(digits))) else { return nil }
        if unit.elementsEqual("ms".utf8) { return .milliseconds(number) }
        return unit.isEmpty || unit.elementsEqual("s".utf8) ? .seconds(number) : nil
    }
}
