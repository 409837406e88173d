import FanfareCore
import NIOCore

/// The commands in flight on one link, in the order in which Redis answers them: first the scripts that every new connection
/// loads, then what the link's owner sends. The publishing link and the reading link have this in common.
///
/// Lives on the link's event loop.
final class CommandPipeline<Command> {
    /// What a reply belongs to.
    enum Answered {
        /// A command of the owner.
        case command(Command)
        /// The last of the scripts: from now on commands can be sent.
        case ready
        /// Nothing that the owner has to know of.
        case nothing
    }

    private struct InFlight {
        let sentAt: UInt64
        /// `nil`: loads a script.
        let command: Command?
    }

    private let link: RedisLink
    private let configuration: RedisConfiguration
    private let metrics: BrokerMetrics
    private let clock: NodeClock
    private(set) var scripts = LoadedScripts()
    private var inFlight = CircularBuffer<InFlight>()

    init(link: RedisLink, configuration: RedisConfiguration, metrics: BrokerMetrics, clock: NodeClock) {
        self.link = link
        self.configuration = configuration
        self.metrics = metrics
        self.clock = clock
    }

    /// Whether the link is up and knows what scripts need.
    var isReady: Bool { link.isReady && scripts.isComplete }

    /// Whether every command was answered.
    var isEmpty: Bool { inFlight.isEmpty }

    /// Loads the scripts. The link has just come up.
    func prepare() {
        if link.connections > 1 { metrics.counters.addShared(.reconnects) }
        scripts = LoadedScripts()
        var bytes = ByteBuffer()
        let now = clock.monotonicMicroseconds()
        for command in scripts.preparation {
            RedisCommand.write(command, into: &bytes)
            inFlight.append(InFlight(sentAt: now, command: nil))
        }
        link.write(bytes)
    }

    /// Notes a command whose bytes are about to be written.
    ///
    /// - Parameter now: microseconds of the monotonic clock.
    func append(_ command: Command, now: UInt64) { inFlight.append(InFlight(sentAt: now, command: command)) }

    /// Finds what a reply belongs to.
    func received(_ reply: ReplyView) -> Answered {
        guard let first = inFlight.popFirst() else {
            link.drop(.protocolError("an answer to nothing"))
            return .nothing
        }
        if let command = first.command { return .command(command) }
        scripts.note(reply)
        return scripts.isComplete ? .ready : .nothing
    }

    /// Tells the operator what Redis refused. What it refuses to everyone ends the connection, for another one may reach a
    /// Redis that takes commands.
    func refused(_ words: String) {
        link.note(refusal: words)
        if ["READONLY", "LOADING", "NOAUTH", "MASTERDOWN"].contains(where: words.hasPrefix) {
            link.drop(.refused(command: "a command", words: configuration.showing(words)))
        }
    }

    /// Drops the connection when the oldest command has waited longer than the command timeout.
    ///
    /// - Parameter what: names a command in the log.
    func dropIfOverdue(_ what: String, now: UInt64) {
        guard let oldest = inFlight.first else { return }
        if now &- oldest.sentAt > configuration.commandTimeout.microseconds { link.drop(.timeout(what)) }
    }

    /// Takes out the commands that were not answered, and forgets the scripts: the connection is gone.
    func empty() -> [Command] {
        scripts = LoadedScripts()
        defer { inFlight.removeAll() }
        return inFlight.compactMap(\.command)
    }
}
