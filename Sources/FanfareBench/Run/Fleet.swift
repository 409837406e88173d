import NIOCore
import NIOPosix

/// All clients, on their event loops.
struct Fleet: Sendable {
    let counts: [LiveCounts]
    private let group: MultiThreadedEventLoopGroup
    private let loops: [NIOLoopBound<ClientLoop>]
    private let ramps: [NIOLoopBound<Ramp>]

    /// Starts the event loops and begins to connect.
    init(plan: BenchPlan, run: UInt16, connector: Connector) async throws {
        group = MultiThreadedEventLoopGroup(numberOfThreads: plan.threads)
        var counts: [LiveCounts] = []
        var loops: [NIOLoopBound<ClientLoop>] = []
        var ramps: [NIOLoopBound<Ramp>] = []
        for (index, eventLoop) in group.makeIterator().enumerated() {
            let count = LiveCounts()
            let (loop, ramp) = try await eventLoop.submit {
                let loop = ClientLoop(eventLoop: eventLoop, plan: plan, run: run, counts: count)
                let ramp = Ramp(loop: loop, connector: connector, index: index)
                ramp.run()
                return (
                    NIOLoopBound(loop, eventLoop: eventLoop), NIOLoopBound(ramp, eventLoop: eventLoop)
                )
            }.get()
            counts.append(count)
            loops.append(loop)
            ramps.append(ramp)
        }
        (self.counts, self.loops, self.ramps) = (counts, loops, ramps)
    }

    /// Clients that listen.
    var connected: Int { counts.sum { $0.connected.load(ordering: .relaxed) } }
    /// Clients that could not connect.
    var refused: Int { counts.sum { $0.refused.load(ordering: .relaxed) } }
    /// Clients that ended.
    var lost: Int { counts.sum { $0.lost.load(ordering: .relaxed) } }
    /// Deliveries that came.
    var received: Int { counts.sum { $0.received.load(ordering: .relaxed) } }
    /// Deliveries that were left out so far.
    var missing: Int { counts.sum { $0.missing.load(ordering: .relaxed) } }

    /// Starts no further clients.
    func stopRamp() async throws {
        for ramp in ramps { try await ramp.eventLoop.submit { ramp.value.stop() }.get() }
    }

    /// Clients by channel; from then on `clientLost` hears of each one that ends.
    func audience(clientLost: @escaping @Sendable (Int) -> Void) async throws -> [Int] {
        var audience: [Int] = []
        for loop in loops {
            let part = try await loop.eventLoop.submit {
                loop.value.clientLost = clientLost
                return loop.value.audience
            }.get()
            audience = audience.isEmpty ? part : zip(audience, part).map(+)
        }
        return audience
    }

    /// What was measured since the last time.
    func take() async throws -> Tally {
        var tally = Tally()
        for loop in loops { tally.add(try await loop.eventLoop.submit { loop.value.take() }.get()) }
        return tally
    }

    /// Ends all clients; from then on none counts as lost.
    func end() async throws {
        for loop in loops { try await loop.eventLoop.submit { loop.value.isOver = true }.get() }
        try await group.shutdownGracefully()
    }
}
