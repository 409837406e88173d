import FanfareWire

/// The commands of one client that came and are not begun yet, and which of them may begin now.
///
/// They begin in their order. A command that reads from the broker begins alone, and only while little waits for the
/// client: its answer takes place in the client's queue before it is read. What comes behind it waits for its end. A pure
/// state machine; nothing for clients whose commands need not wait.
public struct CommandQueue: Sendable {
    /// What the next command may do.
    public enum Next: Sendable, Equatable {
        /// Begin.
        case perform(CentrifugeCommand)
        /// It has to wait for the end of a read, or for the client to take what waits for it.
        case wait
        /// There is none.
        case none
        /// It can't be read, and neither can what is behind it.
        case fail(CentrifugeDecodeError)
    }

    /// What came and is not begun: nearly always nothing, so an array that is nothing when empty.
    private var waiting: [Waiting] = []
    /// The read of this client that is under way.
    private var reading = Reading.none
    /// Whether only what it published counts.
    private var hasEnded = false

    /// What is read.
    private enum Reading: Equatable {
        case none
        /// A history, or members.
        case answer
        /// What a subscription missed; the number of its command.
        case recovery(UInt32)
    }

    /// A message of which commands are left.
    private struct Waiting: Sendable {
        var message: CentrifugeJSONMessage
        /// Its next command, where that was looked at and has to wait.
        var front: CentrifugeCommand?

        mutating func next() throws(CentrifugeDecodeError) -> CentrifugeCommand? {
            guard let command = front.take() else { return try message.next() }
            return command
        }
    }

    public init() {}

    /// Whether a read of this client is under way.
    public var isReading: Bool { reading != .none }

    /// Whether something waits, or has to be waited for.
    public var isHeldUp: Bool { isReading || !waiting.isEmpty }

    /// Adds the commands of a message.
    public mutating func add(_ message: CentrifugeJSONMessage) { waiting.append(Waiting(message: message)) }

    /// The next command, if it may begin.
    ///
    /// - Parameter hasRoom: whether the client has taken enough of what waits for it to get an answer of some size, and its
    ///   own publishes are answered, so that it reads them.
    public mutating func next(hasRoom: Bool) -> Next {
        if isReading { return .wait }
        while !waiting.isEmpty {
            do {
                guard let command = try waiting[0].next() else {
                    waiting.removeFirst()
                    continue
                }
                if hasEnded, !command.isPublish { continue }
                if command.isRead, !hasRoom {
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

    /// A history or a channel's members are read.
    public mutating func beginRead() { reading = .answer }

    /// They are there.
    public mutating func endRead() { if reading == .answer { reading = .none } }

    /// What a subscription missed is read.
    public mutating func beginRecovery(_ id: UInt32) { reading = .recovery(id) }

    /// A subscription is answered. Returns whether it was the one.
    public mutating func endRecovery(_ id: UInt32) -> Bool {
        guard reading == .recovery(id) else { return false }
        reading = .none
        return true
    }

    /// The client has ended its half. What it published before counts; it hears no answers any more, so nothing is read and
    /// no token is checked.
    public mutating func keepPublications() {
        reading = .none
        hasEnded = true
    }

    /// Forgets what waits.
    public mutating func clear() { self = CommandQueue() }
}

extension CentrifugeCommand {
    /// Whether its answer may be read from the broker and be big.
    var isRead: Bool {
        switch method {
        case .history, .presence, .presenceStats, .subscribe: true
        default: false
        }
    }

    fileprivate var isPublish: Bool { if case .publish = method { true } else { false } }
}
