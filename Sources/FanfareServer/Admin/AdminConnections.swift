import FanfareCore
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import Synchronization

/// The connections of the admin port, each with one of ``AdminPlaces``. Any thread.
final class AdminConnections: Sendable {
    private struct State {
        var places: AdminPlaces
        var channels: [Int: any Channel] = [:]
        var next = 0
    }

    /// What every answer names.
    let nodeName: String
    /// For how long an answer may wait for its reader.
    let takingTimeout: TimeAmount
    private let state: Mutex<State>
    private let metrics: NodeMetrics
    private let logRefusal: @Sendable (RefusalLog.Kind, String) -> Void

    init(
        nodeName: String, limit: Int, takingTimeout: TimeAmount, metrics: NodeMetrics,
        logRefusal: @escaping @Sendable (RefusalLog.Kind, String) -> Void
    ) {
        state = Mutex(State(places: AdminPlaces(limit: limit)))
        self.nodeName = nodeName
        self.takingTimeout = takingTimeout
        self.metrics = metrics
        self.logRefusal = logRefusal
    }

    /// Takes in a connection that was accepted; another may have to go for it.
    ///
    /// - Returns: its number, for ``note(_:isBusy:)``.
    func enter(_ channel: any Channel) -> Int {
        let address = (ClientAddress(channel.remoteAddress) ?? ClientAddress(high: 0, low: 0)).counted
        let (id, leaver) = state.withLock { state in
            state.next += 1
            let leaver = state.places.enter(state.next, from: address).flatMap {
                state.channels.removeValue(forKey: $0)
            }
            state.channels[state.next] = channel
            return (state.next, leaver)
        }
        metrics.shared.addShared(.adminConnections)
        channel.closeFuture.whenComplete { [self] _ in leave(id) }
        if let leaver { evict(leaver) }
        return id
    }

    func note(_ id: Int, isBusy: Bool) { state.withLock { $0.places.note(id, isBusy: isBusy) } }

    /// Closes a connection whose reader took nothing of its answer.
    func cutSlowReader(_ channel: any Channel) {
        metrics.shared.addShared(.adminSlowReaders)
        logRefusal(
            .adminSlowReader,
            "a reader of the admin port took nothing of its answer: its connection of \(Self.address(channel)) was closed"
        )
        channel.close(promise: nil)
    }

    private func leave(_ id: Int) {
        state.withLock { state in
            state.places.leave(id)
            state.channels[id] = nil
        }
        metrics.shared.addShared(.adminConnections, -1)
    }

    private func evict(_ channel: any Channel) {
        metrics.shared.addShared(.adminEvictions)
        logRefusal(
            .adminEvicted,
            "the admin port is full (max-admin-connections): a connection of \(Self.address(channel)) was closed")
        channel.close(promise: nil)
    }

    private static func address(_ channel: any Channel) -> String {
        ClientAddress(channel.remoteAddress).map { "\($0)" } ?? "unknown"
    }
}

/// A connection of the admin port as Hummingbird sets it up, with ``AdminConnection`` behind its decoder.
struct AdminChannel: ServerChildChannel {
    let http: HTTP1Channel
    let connections: AdminConnections

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        http.setup(channel: channel, logger: logger).flatMapThrowing { value in
            let pipeline = channel.pipeline.syncOperations
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            let connection = AdminConnection(connections, id: connections.enter(channel))
            try pipeline.addHandler(connection, position: .after(decoder))
            return value
        }
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async { await http.handle(value: value, logger: logger) }
}
