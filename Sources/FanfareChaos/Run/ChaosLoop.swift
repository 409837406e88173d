import FanfareBench
import FanfareTestKit
import NIOCore

/// All clients and publishers of a run and their judge, on one event loop: nothing is shared, nothing is locked.
final class ChaosLoop {
    /// Publisher numbers from here on are clients.
    static let firstClientPublisher = 10_000
    private static let stepInterval = TimeAmount.milliseconds(10)

    /// What happened, beside what is judged.
    struct Counts: Sendable, Encodable {
        /// Connections that ended, by reason; bounded, for reasons come from outside.
        var disconnects: [String: Int] = [:]
        /// Times that a client went away by itself.
        var departures = 0
        /// Subscriptions that a node ended.
        var unsubscribes = 0
        /// Subscribe commands that were refused for the time being.
        var refusals = 0
        /// Publishes through the server API that were sent again.
        var retries = 0
        /// Those of them that were answered with an error.
        var refusedPublishes = 0
        /// Publications that clients of each kind got.
        var deliveries: [String: Int] = [:]

        mutating func note(_ reason: String) {
            let isKnown = disconnects[reason] != nil || disconnects.count < 30
            disconnects[isKnown ? reason : "other", default: 0] += 1
        }
    }

    /// A look at it from outside.
    struct Sight: Sendable {
        var connected = 0
        /// Clients that get everything they want.
        var whole = 0
        /// Clients that are not whole though they want to be.
        var broken = 0
        var judged = Judge.Counts()
        var totals: [Violation.Kind: Int] = [:]
        var counts = Counts()
    }

    let eventLoop: any EventLoop
    let plan: ChaosPlan
    /// Of nginx.
    let port: Int
    let adminPorts: [Int]
    /// What the data of this run's publications begins with.
    let run: String
    var random: SeededRandom
    var judge: Judge
    var counts = Counts()
    /// Microseconds, monotonic; of this step.
    private(set) var now = MonotonicClock.microseconds
    /// Whether clients go away by themselves.
    var mayLeave = false
    private let startedAt = MonotonicClock.microseconds
    private var clients: [any ListeningClient] = []
    /// Those of them that publish.
    private var speakers: [any ListeningClient] = []
    private var publishers: [APIPublisher] = []
    private let names: [String]
    private let numbers: [String: Int]
    private var ticker: RepeatedTask?
    private var isPublishing = false
    private var budget = 0.0
    private var nextPublisher = 0

    init(eventLoop: any EventLoop, plan: ChaosPlan, port: Int, adminPorts: [Int]) {
        self.eventLoop = eventLoop
        self.plan = plan
        self.port = port
        self.adminPorts = adminPorts
        run = String(UInt32.random(in: 0...UInt32.max), radix: 36)
        random = SeededRandom(seed: plan.seed &+ 1)
        judge = Judge(channels: plan.channels)
        names = (0..<plan.channels).map { "chaos:\($0)" }
        numbers = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
    }

    func name(_ channel: Int) -> String { names[channel] }
    func channel(_ name: String) -> Int? { numbers[name] }

    func start() {
        clients = (0..<plan.clients).map { index in
            let channels = (0..<plan.subscriptions).map { (index + $0 * 7) % plan.channels }
            return plan.kinds[index % plan.kinds.count].make(
                index: index, channels: Array(Set(channels)).sorted(), loop: self)
        }
        speakers = clients.filter { $0.kind.publishes }
        // One waits for its answer before its next; twenty a second is what it does with ease.
        let share = Double(plan.rate) * Double(100 - clientShare) / 100 / Double(plan.channels)
        let each = max(1, Int((share / 20).rounded(.up)))
        publishers = (0..<plan.channels * each).map {
            APIPublisher(index: $0, channel: $0 % plan.channels, loop: self)
        }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        ticker = eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: Self.stepInterval) { _ in
            bound.value.step()
        }
    }

    /// A publication reached a client.
    func delivered(_ kind: ClientKind, client: Int, channel: Int, data: ByteBuffer, offset: UInt64) {
        counts.deliveries[kind.rawValue, default: 0] += 1
        judge.delivered(
            client: client, channel: channel, PublicationID.read(data, run: run), offset: offset,
            text: { String(buffer: data) })
    }

    func startPublishing() { isPublishing = true }
    func stopPublishing() { isPublishing = false }

    /// Whether everything that publishers began has its answer.
    var isPublished: Bool { publishers.allSatisfy(\.isDone) }

    func stop() {
        ticker?.cancel()
        for client in clients { client.end() }
        for publisher in publishers { publisher.end() }
    }

    func sight() -> Sight {
        Sight(
            connected: clients.count(where: \.isConnected), whole: clients.count(where: \.isWhole),
            broken: clients.count { !$0.isWhole && !$0.isAwayByWish }, judged: judge.counts, totals: judge.totals,
            counts: counts)
    }

    /// Places in the streams that everybody must reach.
    struct Marker: Sendable {
        var places: [(channel: Int, position: Judge.Position)] = []
    }

    /// How far each publisher is.
    func acknowledged() -> [Int] { publishers.map(\.acknowledged) }

    /// Where each publisher's last publication is, when all have been acknowledged one that was begun since then.
    func marker(since before: [Int]) -> Marker? {
        zip(publishers, before).allSatisfy { $0.acknowledged >= $1 + 2 } ? marker() : nil
    }

    /// Where each publisher's last publication is.
    func marker() -> Marker {
        Marker(places: publishers.compactMap { one in one.position.map { (one.channel, $0) } })
    }

    /// Whether all clients have got there; those who went away by themselves are not asked.
    func hasReachedAll(_ marker: Marker) -> Bool {
        clients.allSatisfy { client in
            client.isAwayByWish
                || marker.places.allSatisfy {
                    !client.listens.contains($0.channel)
                        || judge.hasReached(client: client.index, channel: $0.channel, $0.position)
                }
        }
    }

    /// For a person: who has not.
    func behind(_ marker: Marker?) -> String {
        guard let marker else {
            let waiting = publishers.filter { !$0.isDone }.map { "\($0.index)" }
            return "publishers \(waiting.prefix(20).joined(separator: " ")) wait for their answers"
        }
        let late = clients.flatMap { client in
            marker.places.filter {
                client.listens.contains($0.channel)
                    && !judge.hasReached(client: client.index, channel: $0.channel, $0.position)
            }.map { place in
                let position = judge.position(client: client.index, channel: place.channel)
                return "client \(client.index) in channel \(place.channel) at \(position.map { "\($0)" } ?? "nothing") "
                    + "and not at \(place.position)"
            }
        }
        return late.prefix(20).joined(separator: "; ")
    }

    private var clientShare: Int { speakers.isEmpty ? 0 : plan.clientShare }

    private func step() {
        now = MonotonicClock.microseconds
        judge.now.seconds = Double(now - startedAt) / 1_000_000
        for client in clients { client.step(now) }
        for publisher in publishers { publisher.step(now) }
        if mayLeave { leave() }
        if isPublishing { publish() }
    }

    private func leave() {
        let chance = Double(plan.clients) * 0.01 / plan.stay.inSeconds
        guard Double.random(in: 0..<1, using: &random) < chance, let client = clients.randomElement(using: &random),
            client.isConnected
        else { return }
        counts.departures += 1
        client.leave(
            for: Int64.random(in: 0...3_000_000, using: &random), politely: Bool.random(using: &random), now: now)
    }

    private func publish() {
        budget = min(budget + Double(plan.rate) * 0.01, Double(plan.rate))
        while budget >= 1 {
            budget -= 1
            let isClients = Int.random(in: 0..<100, using: &random) < clientShare
            if isClients, let client = speakers.randomElement(using: &random), client.publish() { continue }
            publishers[nextPublisher % publishers.count].add()
            nextPublisher += 1
        }
    }
}
