import FanfareCore
import NIOCore

/// Asks one of several servers that know the same: sentinels for the master, nodes of a cluster for its map.
///
/// They are asked in turn, beginning with the one that answered last, over a connection that stays open. One question at
/// a time. Lives on one event loop; only `init` may run elsewhere.
final class SeedConnection {
    /// An answer, and who gave it.
    typealias Answer = (from: RedisEndpoint, value: RedisValue)

    private struct Asking {
        let command: [String]
        let promise: EventLoopPromise<Answer>
        let deadline: Scheduled<Void>
    }

    private let connector: RedisConnector
    private let eventLoop: any EventLoop
    private let timeout: TimeAmount
    private var servers: [RedisEndpoint]
    private var next = 0
    private var channel: (any Channel)?
    private var asking: Asking?
    /// Events of earlier connections count no more.
    private var connection = 0
    private var isStopped = false

    /// - Parameter configuration: log-in, TLS and timeouts; its address is not used.
    init(
        servers: [RedisEndpoint], configuration: RedisConfiguration, clientName: String, eventLoop: any EventLoop
    ) {
        self.servers = servers
        self.connector = RedisConnector(configuration: configuration, clientName: clientName)
        self.eventLoop = eventLoop
        self.timeout = .microseconds(
            Int64(min(configuration.connectTimeout, configuration.commandTimeout).microseconds))
    }

    /// Whom to ask from now on; the one that answered last stays the first if it is among them.
    func setServers(_ servers: [RedisEndpoint]) {
        guard !servers.isEmpty, servers != self.servers else { return }
        let present = self.servers[next]
        self.servers = servers
        if let index = servers.firstIndex(of: present) {
            next = index
        } else {
            next = 0
            disconnect()
        }
    }

    /// Asks another one the next time.
    func turn() {
        guard servers.count > 1, asking == nil else { return }
        next = (next + 1) % servers.count
        disconnect()
    }

    /// Asks until one answers.
    ///
    /// - Parameter objection: what is wrong with an answer; then the next one is asked.
    func ask(
        _ command: [String], objection: @escaping @Sendable (RedisValue) -> String?
    ) -> EventLoopFuture<Answer> {
        ask(command, objection, left: servers.count, problems: [])
    }

    /// Ends the connection; a question under way fails.
    func stop() {
        isStopped = true
        finish(.failure(RedisLinkError.closed), keep: false)
    }

    private func ask(
        _ command: [String], _ objection: @escaping @Sendable (RedisValue) -> String?, left: Int, problems: [String]
    ) -> EventLoopFuture<Answer> {
        guard left > 0, !isStopped else { return eventLoop.makeFailedFuture(SeedConnectionError(problems: problems)) }
        let server = servers[next]
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let configuration = connector.configuration
        return askNext(command).flatMapThrowing { answer in
            if case .error(let words) = answer.value {
                throw RedisLinkError.refused(command: command[0], words: configuration.showing(words))
            }
            if let problem = objection(answer.value) { throw SeedConnectionError(problems: [problem]) }
            return answer
        }.flatMapError { error in
            let seedConnection = bound.value
            seedConnection.turn()
            let problem = "\(server): \(RedisConnector.describe(error))"
            return seedConnection.ask(command, objection, left: left - 1, problems: problems + [problem])
        }
    }

    private func askNext(_ command: [String]) -> EventLoopFuture<Answer> {
        guard asking == nil else { return eventLoop.makeFailedFuture(SeedConnectionError(problems: ["busy"])) }
        let promise = eventLoop.makePromise(of: Answer.self)
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let deadline = eventLoop.scheduleTask(in: timeout) {
            bound.value.finish(.failure(RedisLinkError.timeout(command[0])), keep: false)
        }
        asking = Asking(command: command, promise: promise, deadline: deadline)
        if channel == nil { connect() } else { say() }
        return promise.futureResult
    }

    private func connect() {
        connection += 1
        let (bound, number) = (NIOLoopBound(self, eventLoop: eventLoop), connection)
        connector.connect(on: eventLoop, to: servers[next]) { event in
            bound.value.handle(event, of: number)
        }.whenComplete { result in
            let seedConnection = bound.value
            switch result {
            case .success(let channel) where number != seedConnection.connection: channel.close(promise: nil)
            case .failure(let error) where number == seedConnection.connection:
                seedConnection.finish(.failure(error), keep: false)
            default: break
            }
        }
    }

    private func handle(_ event: LinkHandler.Event, of number: Int) {
        guard number == connection else { return }
        switch event {
        case .ready(let channel):
            self.channel = channel
            say()
        case .reply(let reply): finish(.success((servers[next], RedisValue(reply))), keep: true)
        case .burst: break
        case .lost(let error): finish(.failure(error), keep: false)
        }
    }

    private func say() {
        guard let asking, let channel else { return }
        var bytes = ByteBuffer()
        RedisCommand.write(asking.command, into: &bytes)
        channel.writeAndFlush(bytes, promise: nil)
    }

    private func finish(_ result: Result<Answer, any Error>, keep: Bool) {
        if !keep { disconnect() }
        guard let asking else { return }
        self.asking = nil
        asking.deadline.cancel()
        asking.promise.completeWith(result)
    }

    private func disconnect() {
        connection += 1
        channel?.close(promise: nil)
        channel = nil
    }
}

/// Nobody answered.
struct SeedConnectionError: Error, CustomStringConvertible {
    let problems: [String]
    var description: String { problems.joined(separator: "; ") }
}
