/// What one client may have done before others have their turn, in units of some five microseconds.
///
/// Messages and commands are no measure: one message holds up to 512 commands, and one command may be a signature to check.
public struct Turn: Sendable {
    /// Units of one turn: 32 usual commands, a fifth of a millisecond.
    public static let work = 32
    /// Units of a short turn: a message, and a usual command in it.
    public static let short = 2
    /// Units of a token to be checked: an ECDSA signature takes 80 microseconds and more. Two of them fill a turn.
    public static let token = 16
    /// Bytes of a message that count as one more unit, for they have to be parsed.
    public static let messageBytes = 2_048

    /// Units of a request over HTTP: its head is taken apart, something is published, an answer is written.
    public static let request = 4

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
