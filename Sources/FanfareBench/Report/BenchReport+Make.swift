extension BenchReport {
    /// - Parameters:
    ///   - connected: clients that listened when publishing began.
    ///   - missing: numbers that clients saw left out, less those that came late.
    init(
        plan: BenchPlan, connected: Int, tally: Tally, missing: Int, publications: PublishTally, server: ServerUsage?,
        ownCPUSeconds: Double, interrupted: Bool
    ) {
        url = plan.target.text + (plan.target.path ?? "/")
        `protocol` = plan.transport.rawValue
        publish = plan.publisher.rawValue
        (channels, size, burst) = (plan.channels, plan.size, plan.burst)
        self.interrupted = interrupted
        seconds = Double(publications.ended - publications.began) / 1_000_000
        clients = Clients(
            asked: plan.clients, connected: connected, refused: tally.refused.total, refusedBy: tally.refused.counts,
            lost: tally.lost.total, lostBy: tally.lost.counts)
        connectMicroseconds = Percentiles(tally.connect)
        self.publications = Publications(plan: plan, tally: publications, seconds: seconds)
        answerMicroseconds = Percentiles(publications.answer)
        deliveries = Deliveries(tally: tally, missing: missing, publications: publications)
        latencyMicroseconds = Percentiles(tally.latency)
        self.server = server.map {
            Server(
                cpuSeconds: $0.cpuSeconds.rounded(places: 3),
                cpuMicrosecondsPerDelivery: tally.received == 0
                    ? 0 : ($0.cpuSeconds * 1_000_000 / Double(tally.received)).rounded(places: 3),
                residentBytes: Int($0.residentBytes))
        }
        generator = Generator(
            cpuSeconds: ownCPUSeconds.rounded(places: 3), threads: plan.threads,
            lateMicroseconds: Percentiles(publications.lateness))
        notes = []
        ok = false
        ok = isFlawless
        notes = makeNotes()
    }

    private var isFlawless: Bool {
        clients.connected == clients.asked && clients.lost == 0 && publications.refused == 0
            && publications.unanswered == 0 && publications.accepted > 0 && deliveries.lost == 0
            && deliveries.repeated == 0 && deliveries.outOfOrder == 0 && deliveries.foreign == 0
    }

    private func makeNotes() -> [String] {
        var notes: [String] = []
        if interrupted { notes.append("ended early by Ctrl-C") }
        if !interrupted, publications.accepted > 0,
            publications.acceptedPerSecond < 0.95 * publications.askedPerSecond
        {
            notes.append(
                "the server did not take the rate: \(Figures.fixed(publications.acceptedPerSecond)) of "
                    + "\(Figures.fixed(publications.askedPerSecond)) publications per second")
        }
        if let late = generator.lateMicroseconds, late.p99 > 10_000 {
            notes.append(
                "the load generator was late (p99 \(Figures.time(late.p99))): the machine is too busy for this rate, "
                    + "real latencies are higher")
        }
        if seconds > 0, generator.cpuSeconds > 0.9 * seconds * Double(generator.threads) {
            notes.append("the load generator used all of its threads: it may be the bottleneck, not the server")
        }
        return notes
    }
}

extension BenchReport.Publications {
    init(plan: BenchPlan, tally: PublishTally, seconds: Double) {
        asked = Pace(rate: plan.rate, burst: plan.burst, duration: plan.duration).total
        sent = tally.sent
        accepted = tally.accepted
        refused = tally.refused.total
        refusedBy = tally.refused.counts
        unanswered = tally.unanswered
        unsent = asked - tally.sent
        askedPerSecond = plan.rate
        acceptedPerSecond = seconds > 0 ? (Double(tally.accepted) / seconds).rounded(places: 1) : 0
        endedBy = tally.linksEnded.counts
    }
}

extension BenchReport.Deliveries {
    init(tally: Tally, missing: Int, publications: PublishTally) {
        expected = publications.expected
        received = tally.received
        repeated = tally.repeated
        outOfOrder = tally.outOfOrder
        foreign = tally.foreign
        // What clients saw left out counts too: deliveries of unanswered publications could hide it in the sum. But a
        // refused or unsent publication leaves its number out rightly.
        let holes = publications.refused.total + publications.unanswered + publications.unsent == 0 ? missing : 0
        lost = max(0, expected - (received - repeated), holes)
        let span = Double(tally.lastAt - publications.began) / 1_000_000
        perSecond = span > 0 ? (Double(received) / span).rounded(places: 1) : 0
    }
}

extension Double {
    /// Without digits that nobody measured.
    fileprivate func rounded(places: Int) -> Double {
        let factor = (0..<places).reduce(1.0) { result, _ in result * 10 }
        return (self * factor).rounded() / factor
    }
}
