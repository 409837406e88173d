import FanfareCore

/// What a loop does when the machine's clock was set: tokens expire by it, so all of them are looked at again.
extension LoopState {
    /// How the loop follows the wall clock.
    struct ClockState {
        var watch = ClockWatch()
        /// Clients below this index have still to look at their tokens again; 0: nobody has to.
        var left = 0
    }

    /// Over how many microseconds they are spread that have to go then.
    private static let spread: UInt64 = 2_000_000

    /// Asked every tick of the wheel.
    func followClock(now: UInt64) {
        if let change = clock.watch.step(wall: node.clock.wallMicroseconds(), monotonic: now) {
            if index == 0 {
                node.logger.warning(
                    "the machine's clock was set, tokens are judged by it again",
                    metadata: ["by": "\(change / 1_000_000) s"])
            }
            clock.left = clients.count
        }
        guard clock.left > 0 else { return }
        // From the end: a client that leaves is replaced by the last one, which had its turn, and those that come later know
        // the new time.
        let end = min(clock.left, clients.count)
        let start = max(0, end - Self.clientsPerTick)
        clock.left = start
        for client in clients[start..<end] where client.deadlines.expiry != ClientDeadlines.never {
            client.scheduleExpiry(delay: UInt64.random(in: 0..<Self.spread))
        }
    }
}
