import NIOCore

/// What all clients of one event loop share. Belongs to that event loop.
final class ClientLoop {
    let eventLoop: any EventLoop
    let plan: BenchPlan
    let run: UInt16
    /// For other threads.
    let counts: LiveCounts
    /// Since the last ``take()``.
    var tally = Tally()
    /// Numbers left out so far, less those that came late.
    var missing = 0
    /// Clients under way, oldest first; those of which it is decided are dropped when they come to the front.
    var connecting = CircularBuffer<BenchClient>()
    /// Clients that listen, by channel.
    var audience: [Int]
    /// Called when a client that listened ends, with its channel.
    var clientLost: (Int) -> Void = { _ in }
    /// Set at the end of the run: clients that end now are not lost.
    var isOver = false

    init(eventLoop: any EventLoop, plan: BenchPlan, run: UInt16, counts: LiveCounts) {
        self.eventLoop = eventLoop
        self.plan = plan
        self.run = run
        self.counts = counts
        audience = [Int](repeating: 0, count: plan.channels)
    }

    /// Hands over what was measured since the last time.
    func take() -> Tally {
        defer { tally = Tally() }
        return tally
    }

    func connected(_ client: BenchClient) {
        let time = MonotonicClock.microseconds - client.startedAt
        tally.connect.record(UInt64(max(0, time)))
        audience[client.channelIndex] += 1
        LiveCounts.add(1, to: counts.connected)
    }

    func refused(_ reason: String) {
        tally.refused.note(reason)
        LiveCounts.add(1, to: counts.refused)
    }

    func lost(_ client: BenchClient, _ reason: String) {
        guard !isOver else { return }
        tally.lost.note(reason)
        audience[client.channelIndex] -= 1
        LiveCounts.add(-1, to: counts.connected)
        LiveCounts.add(1, to: counts.lost)
        clientLost(client.channelIndex)
    }

    /// Ends clients that take too long to connect.
    func checkDeadlines(now: Int64) {
        let limit = plan.connectTimeout.microseconds
        while let client = connecting.first, client.isDecided || now - client.startedAt >= limit {
            connecting.removeFirst()
            if !client.isDecided { client.giveUp("timeout") }
        }
    }
}
