import NIOCore
import Synchronization

/// Short questions to the admin ports of nodes, each with a deadline: a frozen node does not answer.
struct AdminPort: Sendable {
    let eventLoop: any EventLoop
    let port: Int

    /// Whether the node says that it should get traffic.
    func isReady() async -> Bool { await status("/readyz") == 200 }

    /// The status of an answer; `nil` when none came in time.
    func status(_ path: String, within limit: TimeAmount = .seconds(1)) async -> Int? {
        let promise = eventLoop.makePromise(of: Int?.self)
        let eventLoop = eventLoop
        let port = port
        eventLoop.execute {
            let wire = HTTPWire(eventLoop: eventLoop, port: port)
            let bound = NIOLoopBound(wire, eventLoop: eventLoop)
            let deadline = eventLoop.scheduleTask(in: limit) {
                bound.value.close()
                promise.succeed(nil)
            }
            wire.connect { event in
                switch event {
                case .open: return bound.value.get(path)
                case .answer(let answer): promise.succeed(answer.status)
                case .closed: promise.succeed(nil)
                }
                deadline.cancel()
                bound.value.close()
            }
        }
        return try? await promise.futureResult.get()
    }
}
