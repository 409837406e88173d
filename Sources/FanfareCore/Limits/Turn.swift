/// What one client may have done before others have their turn, in units of some five microseconds.
///
/// Messages and commands are no measure: one message holds up to 512 commands, and one command may be a signature to check.
public struct Turn: Sendable {
    private var left: Int
    /// Units that were done.
    public private(set) var done = 0

    /// - Parameters:
    ///   - isEndless: whether all that is left is done now, whatever it is.
    ///   - isShort: whether others have had much already.
    public init(isEndless: Bool = false, isShort: Bool = false) {
        left = isEndless ? .max : isShort ? Self.short : Self.work
    }

    /// Whether others come first now.
    public var isOver: Bool { left <= 0 }

    /// A message of that size was taken.
    public mutating func take(messageBytes: Int) { take(1 + messageBytes / Self.messageBytes) }

    /// A request over HTTP was begun.
    ///
    /// - Parameter withToken: whether it has a token to check.
    public mutating func takeRequest(withToken: Bool) { take(Self.request + (withToken ? Self.token : 0)) }

    /// Something of so many units was begun.
    public mutating func take(_ units: Int) {
        left = left == .max ? .max : left - units
        done += units
    }
}
