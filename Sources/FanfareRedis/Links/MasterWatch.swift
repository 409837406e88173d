import FanfareCore
import NIOCore

/// Finds the master that a link has to be connected to by asking the sentinels, and tells when it is another one.
///
/// Sentinels are asked and not listened to (`+switch-master`): an answer is true whenever it comes, while an event that was
/// missed is missed. Lives on its link's event loop; only `init` may run elsewhere.
final class MasterWatch {
    /// How often a link that is up asks whether its master still is.
    static let interval = TimeAmount.seconds(1)

    private let seedConnection: SeedConnection
    private let name: String
    private let eventLoop: any EventLoop
    private var master: RedisEndpoint?
    /// The question under way.
    private var finding: EventLoopFuture<RedisEndpoint>?
    private var check: RepeatedTask?

    /// `nil` for an address that is not behind sentinels.
    init?(configuration: RedisConfiguration, clientName: String, eventLoop: any EventLoop) {
        guard case .sentinel(let sentinels) = configuration.address else { return nil }
        var asking = configuration
        (asking.user, asking.password) = (sentinels.user, sentinels.password)
        asking.database = 0
        // The log-in at a sentinel asks for no role.
        asking.address = .host("", port: 0)
        self.name = sentinels.master
        self.eventLoop = eventLoop
        self.seedConnection = SeedConnection(
            servers: sentinels.endpoints, configuration: asking, clientName: clientName, eventLoop: eventLoop)
    }

    /// Waits are short: sentinels take seconds to find a new master, and every try asks them first.
    static func backoff(_ range: ClosedRange<Duration>) -> ClosedRange<Duration> {
        range.lowerBound...max(range.lowerBound, min(range.upperBound, .seconds(1)))
    }

    /// What is wrong with an answer to ROLE: a demoted master takes connections, and publications that nobody hears.
    @Sendable static func objection(_ reply: ReplyView) -> String? {
        let role = reply[0].map { String(decoding: $0.bytes, as: UTF8.self) } ?? ""
        return role == "master" ? nil : "it is no master but a \(role.isEmpty ? "stranger" : role)"
    }

    /// Where the master is now.
    func find() -> EventLoopFuture<RedisEndpoint> {
        if let finding { return finding }
        let (name, bound) = (name, NIOLoopBound(self, eventLoop: eventLoop))
        let found: EventLoopFuture<RedisEndpoint> = seedConnection.ask(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", name]) {
            answer in
            Self.endpoint(answer) == nil ? "knows no master '\(name)'" : nil
        }.flatMapThrowing { answer -> RedisEndpoint in
            guard let endpoint = Self.endpoint(answer.value) else { throw RedisLinkError.unresolved }
            bound.value.master = endpoint
            return endpoint
        }.flatMapErrorThrowing { error in
            throw RedisLinkError.protocolError("no sentinel told the master: \(error)")
        }
        finding = found
        found.whenComplete { _ in bound.value.finding = nil }
        return found
    }

    /// The link is up at the master that was found: tells when there is another one.
    func linkIsReady(onMove: @escaping (RedisEndpoint) -> Void) {
        check?.cancel()
        let bound = NIOLoopBound((watch: self, onMove: onMove), eventLoop: eventLoop)
        check = eventLoop.scheduleRepeatedTask(initialDelay: Self.interval, delay: Self.interval) { _ in
            let before = bound.value.watch.master
            // Without an answer nothing is known: the link stays.
            bound.value.watch.find().whenSuccess { master in
                if bound.value.watch.check != nil, master != before { bound.value.onMove(master) }
            }
        }
    }

    /// The link is gone, or did not come up.
    func linkIsLost() {
        // The sentinel that named a master that is none, or dead, may be behind.
        if check == nil { seedConnection.turn() }
        check?.cancel()
        check = nil
    }

    func stop() {
        check?.cancel()
        check = nil
        seedConnection.stop()
    }

    private static func endpoint(_ answer: RedisValue) -> RedisEndpoint? {
        guard let host = answer[0].text, !host.isEmpty, let port = answer[1].text.flatMap({ Int($0) }) else {
            return nil
        }
        return RedisEndpoint(host: host, port: port)
    }
}
