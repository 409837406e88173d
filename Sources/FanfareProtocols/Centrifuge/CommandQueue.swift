import FanfareCore
import FanfareWire

/// The commands of one client that came and are not begun yet. They begin in their order. A pure state machine; nothing for
/// clients whose commands need not wait.
struct CommandQueue: Sendable {
    /// What the next command may do.
    enum Next: Sendable, Equatable {
        /// Begin.
        case perform(CentrifugeCommand)
        /// It reads from the broker, and has to wait.
        case wait
        /// There is none.
        case none
        /// It can't be read, and neither can what is behind it.
        case fail(CentrifugeDecodeError)
    }

    /// What came and is not begun: nearly always nothing, so an array that is nothing when empty.
    private var waiting: [Waiting] = []
    /// Whether only what it published counts.
    private var hasEnded = false

    /// A message of which commands are left.
    private struct Waiting: Sendable {
        var message: CentrifugeMessage
        /// Its next command, where that was looked at and has to wait.
        var front: CentrifugeCommand?

        mutating func next() throws(CentrifugeDecodeError) -> CentrifugeCommand? {
            guard let command = front.take() else { return try message.next() }
            return command
        }
    }

    var isEmpty: Bool { waiting.isEmpty }

    /// Adds the commands of a message.
    mutating func add(_ message: CentrifugeMessage) { waiting.append(Waiting(message: message)) }

    /// The next command, if it may begin.
    ///
    /// - Parameter mayRead: whether one that reads from the broker may.
    mutating func next(mayRead: Bool) -> Next {
        while !waiting.isEmpty {
            do {
                guard let command = try waiting[0].next() else {
                    waiting.removeFirst()
                    continue
                }
                if hasEnded, !command.isPublish { continue }
                if command.isRead, !mayRead {
                    waiting[0].front = command
                    return .wait
                }
                if waiting[0].message.count == 0 { waiting.removeFirst() }
                return .perform(command)
            } catch {
                waiting = []
                return .fail(error)
            }
        }
        return .none
    }

    /// The client has ended its half: of what it sent, only what it published counts.
    mutating func keepPublications() { hasEnded = true }
}

extension CentrifugeCommand {
    /// Whether its answer may be read from the broker and be big.
    fileprivate var isRead: Bool {
        switch method {
        case .history, .presence, .presenceStats, .subscribe: true
        default: false
        }
    }

    fileprivate var isPublish: Bool { if case .publish = method { true } else { false } }
}
