import Dispatch
import FanfareCore
import FanfareTestKit
import FanfareWire
import NIOCore

@testable import FanfareRedis

/// A node of a control bus, without the rest of a node. Its clock runs four times as fast as the machine's where nothing else is said, so
/// that it announces itself every 750 ms and is missed after two seconds and a quarter.
final class ControlProbe: Sendable {
    let bus: ControlBus
    let probe: BrokerProbe
    let metrics = CounterBlock<ControlCounter>()
    private let timer: Task<Void, any Error>

    static let clock = NodeClock(
        wallMicroseconds: NodeClock.system.wallMicroseconds,
        monotonicMicroseconds: { NodeClock.system.monotonicMicroseconds() &* 4 })

    init(
        _ name: ExactText, id: NodeID = .random(), _ broker: any Broker, metrics brokerMetrics: BrokerMetrics,
        handlers: [ControlCommand: ControlBus.Handler] = [:], clock: NodeClock = clock
    ) {
        let queue = DispatchQueue(label: "control-\(name)")
        let bus = ControlBus(
            node: ClusterNode(
                id: id, name: name, version: "0", startedAt: UInt64.random(in: 0 ... .max)),
            broker: broker, receiver: 2, metrics: metrics, clock: clock, run: { body in queue.async { body() } })
        for (command, handler) in handlers { bus.handle(command, handler) }
        self.bus = bus
        probe = BrokerProbe(broker, metrics: brokerMetrics, others: [bus.mailbox])
        bus.start()
        timer = Task {
            while true {
                bus.advance()
                try await Task.sleep(for: .milliseconds(10))
            }
        }
    }

    static func redis(
        _ name: ExactText, _ url: String, id: NodeID = .random(), handlers: [ControlCommand: ControlBus.Handler] = [:],
        clock: NodeClock = clock, change: (inout RedisConfiguration) -> Void = { _ in }
    ) throws -> ControlProbe {
        let metrics = BrokerMetrics()
        let broker = try BrokerProbe.redisBroker(url, metrics: metrics, change: change)
        return ControlProbe(name, id: id, broker, metrics: metrics, handlers: handlers, clock: clock)
    }

    var id: NodeID { bus.node.id }
    /// The names of all nodes that it sees.
    var sees: [ExactText] { bus.nodes.map(\.name) }

    func request(
        _ command: ControlCommand, _ body: String = "", to node: NodeID, within limit: Duration = .seconds(100)
    ) async -> Result<ControlAnswer, ControlError> {
        await withCheckedContinuation { continuation in
            bus.request(command, body: ByteBuffer(string: body), to: node, within: limit) {
                continuation.resume(returning: $0)
            }
        }
    }

    /// Ends it as a node that is killed: nobody is told.
    func kill() async {
        timer.cancel()
        await probe.broker.shutdown()
    }

    func stop() async {
        timer.cancel()
        bus.stop()
        await probe.broker.shutdown()
    }
}

/// Runs `body` with nodes that are stopped after it.
func withNodes(_ nodes: [ControlProbe], _ body: () async throws -> Void) async throws {
    let result = await Result { try await body() }
    for node in nodes { await node.stop() }
    try result.get()
}

extension Result where Failure == any Error {
    init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
