import FanfareCore
import FanfareWire
import Logging
import Synchronization

/// The log lines about requests and clients that were refused or ended: who and why, a few a second for each kind. Any thread.
///
/// A flood of one kind hides no other: each has a budget of its own (``LineBudget``), and what was held back is counted and
/// told. No line holds a token, a payload or a header as it came.
final class RefusalLog: Sendable {
    /// What has a budget of its own.
    enum Kind: Hashable, Sendable {
        /// A request or socket that became no client.
        case refused(RefusalReason)
        /// A client that the node ended.
        case ended(Disconnect)
        /// A client that an application ended, whatever its code and reason: there may be any number of them.
        case applicationEnded
        /// A request to the server API without a valid key.
        case apiKey
        /// A request to the admin port that a web page may have sent.
        case adminForeign
        /// A connection of the admin port that was closed for another one.
        case adminEvicted
        /// A connection of the admin port whose reader took nothing of its answer.
        case adminSlowReader
        /// A message of an emitter that was not taken.
        case emitter
    }

    private let logger: Logger
    private let budgets = Mutex<[Kind: LineBudget]>([:])

    init(_ logger: Logger) { self.logger = logger }

    /// Writes a line if the budget of its kind has one left; message and metadata are made only then.
    ///
    /// - Parameter now: microseconds of the monotonic clock.
    func note(
        _ kind: Kind, now: UInt64, _ message: @autoclosure () -> String,
        _ metadata: @autoclosure () -> Logger.Metadata = [:]
    ) {
        let kind = kind.budget
        guard let level = kind.level, logger.logLevel <= level,
            let suppressed = budgets.withLock({ $0[kind, default: LineBudget()].take(now: now) })
        else { return }
        var metadata = metadata()
        if suppressed > 0 { metadata["not-logged"] = "\(suppressed) more like this" }
        logger.log(level: level, "\(Self.printable(message()))", metadata: metadata)
    }

    /// Tells what was held back and not told since. From the wheel of one loop.
    func tellSuppressed(now: UInt64) {
        let due = budgets.withLock { budgets in
            budgets.keys.compactMap { kind in budgets[kind]?.summary(now: now).map { (kind, $0) } }
        }
        for (kind, count) in due {
            logger.log(level: kind.level ?? .info, "\(count) more, not logged one by one: \(kind)")
        }
    }

    /// One line, whatever a message quotes: a control character, as in a line of its own that somebody forged, becomes `?`.
    static func printable(_ text: String) -> String {
        let shown = text.unicodeScalars.prefix(maximumCharacters).map { scalar in
            scalar.properties.generalCategory == .control ? "?" : Character(scalar)
        }
        return String(shown)
    }
}

extension RefusalLog.Kind: CustomStringConvertible {
    /// The kind whose budget it uses.
    fileprivate var budget: RefusalLog.Kind {
        if case .ended(.application) = self { .applicationEnded } else { self }
    }

    var description: String {
        switch self {
        case .refused(let reason): "clients refused, \(reason.label)"
        case .ended(let disconnect): "clients ended, \(disconnect.code) \(disconnect.reason)"
        case .applicationEnded: "clients ended by an application"
        case .apiKey: "server API requests without a valid key"
        case .adminForeign: "admin requests from elsewhere"
        case .adminEvicted: "admin connections closed for others"
        case .adminSlowReader: "admin connections closed whose readers took nothing"
        case .emitter: "messages of emitters that were not taken"
        }
    }

    /// How loud its lines are; `nil`: it has none, for nothing was refused.
    var level: Logger.Level? {
        switch self {
        case .refused, .apiKey, .applicationEnded: .info
        case .ended(let disconnect): disconnect.logLevel
        // The admin port is the operator's own: whoever is refused there is misled by him, or an attacker.
        case .adminForeign, .adminEvicted, .adminSlowReader, .emitter: .warning
        }
    }
}
