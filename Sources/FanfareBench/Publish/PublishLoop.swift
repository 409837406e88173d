import NIOCore
import Synchronization

/// For other threads: how publishing goes. Written by the publishing event loop only (relaxed atomics).
final class PublishCounts: Sendable {
    /// Accepted by the server.
    let accepted = Atomic<Int>(0)
    /// Deliveries that those should make.
    let expected = Atomic<Int>(0)
    /// Sent, and no answer yet.
    let underWay = Atomic<Int>(0)
    /// Connections that can publish.
    let links = Atomic<Int>(0)
    /// Whether nothing is due any more.
    let isOver = Atomic<Bool>(false)
}

/// Publishes at the pace of the plan over all connections of the publisher. Belongs to an event loop of its own, so that
/// receiving does not delay it.
final class PublishLoop {
    /// Publications in a row before answers are read.
    private static let batch = 1_024

    let eventLoop: any EventLoop
    let counts: PublishCounts
    private(set) var tally = PublishTally()
    private let plan: BenchPlan
    private let run: UInt16
    private let pace: Pace
    private var links: [PublishLink] = []
    private var sequences: [UInt32]
    private var audience: [Int]
    private var isStopped = false

    init(eventLoop: any EventLoop, plan: BenchPlan, run: UInt16, counts: PublishCounts) {
        self.eventLoop = eventLoop
        self.plan = plan
        self.run = run
        self.counts = counts
        pace = Pace(rate: plan.rate, burst: plan.burst, duration: plan.duration)
        sequences = [UInt32](repeating: 0, count: plan.channels)
        audience = sequences.map { _ in 0 }
    }

    /// Begins to publish.
    ///
    /// - Parameter audience: clients by channel.
    func start(links: [PublishLink], audience: [Int]) {
        self.links = links
        // Clients that ended since the count was made have been taken off already.
        for channel in audience.indices { self.audience[channel] += audience[channel] }
        LiveCounts.add(links.count, to: counts.links)
        tally.began = MonotonicClock.microseconds
        publishDue()
    }

    /// Ends publishing; what was sent is still answered. Does nothing the second time.
    func stop() {
        guard !isStopped else { return }
        isStopped = true
        tally.ended = MonotonicClock.microseconds
        for link in links { link.dropBacklog() }
        counts.isOver.store(true, ordering: .releasing)
    }

    /// A client has ended: its channel's publications have one listener fewer.
    func clientLost(channel: Int) { audience[channel] -= 1 }

    /// What became of everything, at the end: what has no answer yet gets none.
    func finish() -> PublishTally {
        stop()
        tally.unanswered += counts.underWay.load(ordering: .relaxed)
        return tally
    }

    private func publishDue() {
        guard !isStopped else { return }
        var left = Self.batch
        let now = MonotonicClock.microseconds
        let end = tally.began + plan.duration.microseconds
        guard now < end || tally.due < pace.total && now < end + 1_000_000 else { return stop() }
        while left > 0, tally.due < pace.total, tally.began + pace.due(tally.due) <= now {
            publish(now: now)
            left -= 1
        }
        for link in links { link.flush() }
        guard left > 0 else { return eventLoop.assumeIsolated().execute { self.publishDue() } }
        let next = tally.due < pace.total ? tally.began + pace.due(tally.due) : end
        let wait = TimeAmount.microseconds(max(0, next - MonotonicClock.microseconds))
        eventLoop.assumeIsolated().scheduleTask(in: wait) { self.publishDue() }
    }

    private func publish(now: Int64) {
        let channel = tally.due % plan.channels
        tally.lateness.record(UInt64(max(0, now - tally.began - pace.due(tally.due))))
        tally.due += 1
        let stamp = Stamp(run: run, channel: channel, sequence: sequences[channel], sentAt: now)
        sequences[channel] &+= 1
        links[channel % links.count].add(Outgoing(stamp: stamp, audience: audience[channel]))
    }
}

/// What connections tell.
extension PublishLoop {
    func sent() {
        tally.sent += 1
        LiveCounts.add(1, to: counts.underWay)
    }

    func accepted(_ outgoing: Outgoing) {
        tally.accepted += 1
        tally.expected += outgoing.audience
        tally.answer.record(UInt64(max(0, MonotonicClock.microseconds - outgoing.stamp.sentAt)))
        LiveCounts.add(1, to: counts.accepted)
        LiveCounts.add(outgoing.audience, to: counts.expected)
        LiveCounts.add(-1, to: counts.underWay)
    }

    func refused(_ reason: String) {
        tally.refused.note(reason)
        LiveCounts.add(-1, to: counts.underWay)
    }

    func unanswered(_ count: Int) {
        tally.unanswered += count
        LiveCounts.add(-count, to: counts.underWay)
    }

    func unsent(_ count: Int) { tally.unsent += count }

    func linkEnded(_ reason: String) {
        guard !links.isEmpty else { return }
        tally.linksEnded.note(reason)
        LiveCounts.add(-1, to: counts.links)
        // Nobody is left to publish: the run can only end.
        if counts.links.load(ordering: .relaxed) == 0 { stop() }
    }
}
