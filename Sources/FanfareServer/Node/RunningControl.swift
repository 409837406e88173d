import FanfareCore
import FanfareWire
import NIOCore
import Synchronization

/// The node's control bus, on one of its event loops: what comes is looked at there, and a timer tells it the time.
final class RunningControl: Sendable {
    /// Between two looks at the time; what is asked of other nodes has seconds.
    private static let period = TimeAmount.milliseconds(250)

    let bus: ControlBus
    private let eventLoop: any EventLoop
    private let isStopped = Atomic<Bool>(false)

    /// - Parameter receiver: its mailbox's place among the broker's receivers.
    init(_ node: NodeContext, receiver: Int, eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        bus = ControlBus(
            node: ClusterNode(
                id: node.id, name: ExactText(node.configuration.nodeName), version: ExactText(FanfareVersion.string),
                startedAt: node.clock.wallMicroseconds()),
            broker: node.broker, receiver: receiver, metrics: node.metrics.control,
            isAlone: node.configuration.redis.isEmpty, clock: node.clock,
            run: { body in eventLoop.execute(body) })
    }

    /// After the broker was started.
    func start() {
        bus.start()
        eventLoop.execute { self.schedule() }
    }

    /// Before the broker is shut down.
    func stop() {
        isStopped.store(true, ordering: .relaxed)
        bus.stop()
    }

    private func schedule() {
        guard !isStopped.load(ordering: .relaxed) else { return }
        // It fails on a loop that has ended, where nothing has to be done any more.
        _ = try? eventLoop.scheduleCallback(in: Self.period, handler: Ticker(control: self))
    }

    private struct Ticker: NIOScheduledCallbackHandler, Sendable {
        let control: RunningControl

        func handleScheduledCallback(eventLoop: some EventLoop) {
            control.bus.advance()
            control.schedule()
        }
    }
}
