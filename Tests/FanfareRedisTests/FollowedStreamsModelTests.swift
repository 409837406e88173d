import FanfareCore
import FanfareTestKit
import FanfareWire
import Testing

@testable import FanfareRedis

/// Followed streams against a Redis of chance: Pub/Sub loses, links break, reads come late or fail, Redis forgets.
@Suite("Followed streams: model")
struct FollowedStreamsModelTests {
    @Test("a receiver hears each stream whole and in order, or is told where it goes on", arguments: 0..<8)
    func model(part: Int) {
        var (repaired, told) = (0, 0)
        for seed in part * 250..<(part + 1) * 250 {
            var run = FollowedStreamsRun(seed: seed)
            for _ in 0..<120 { run.step() }
            run.heal()
            if let problem = run.problems.first {
                Issue.record("seed \(seed): \(problem)")
                return
            }
            repaired += run.metrics.counters.value(.repaired)
            told += run.metrics.counters.value(.insufficient)
        }
        #expect(repaired > 100)
        #expect(told > 10)
    }
}

/// One run with one channel and one receiver.
struct FollowedStreamsRun {
    private var random: SeededRandom
    let metrics = BrokerMetrics()
    private var followed: FollowedStreams
    private let channel: ChannelName
    // What is true.
    private var kept: [Publication] = []
    /// Offsets of publications that the node can't read, by Pub/Sub or from the stream.
    private var unreadable: Set<UInt64> = []
    /// Reads since the last publication or fault.
    private var readsInRow = 0
    private var leaps: [HistoryPage.Leap] = []
    /// Those of earlier lives, too: a page may be older than the stream.
    private var everyLeap: [HistoryPage.Leap] = []
    private var end = StreamPosition(offset: 0, epoch: "e0")
    private var lives = 0
    // What is under way.
    private var onTheWire: [Publication] = []
    private var reads: [(read: FollowedStreams.Read, page: HistoryPage?)] = []
    private var isLinked = true
    // What the receiver knows.
    private var heard: StreamPosition?
    private var isWaiting = true
    private(set) var problems: [String] = []

    init(seed: Int) {
        random = SeededRandom(seed: UInt64(seed))
        followed = FollowedStreams(metrics: metrics)
        channel = try! ChannelName("c")
        followed.confirmed(channel, [.init(receiver: 0, ticket: 1)])
        takeReads()
    }

    private mutating func chance(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }

    mutating func step() {
        switch chance(24) {
        case 0..<8: publish()
        case 8..<15: receive()
        case 15..<19: answer(fails: chance(4) == 0)
        case 19: link()
        case 20: followed.retry()
        case 21: followed.check(parts: 1 + chance(3))
        case 22: if chance(6) == 0 { forget() }
        default: if chance(4) == 0 { leap() }
        }
        takeReads()
    }

    /// All heals, and one more publication shows whether everything was heard.
    mutating func heal() {
        if !isLinked { link() }
        for _ in 0..<60 {
            while !onTheWire.isEmpty { receive(loses: false) }
            followed.retry()
            followed.check(parts: 1)
            takeReads()
            readsInRow = 0
            while !reads.isEmpty, readsInRow < 100 {
                readsInRow += 1
                answer(fails: false)
                takeReads()
            }
            if readsInRow == 100 { return note("a hundred reads in a row, and no end") }
        }
        if isWaiting { return note("the subscription was never answered") }
        // Under which epoch a first publication will come is not known before.
        if heard != end, heard?.offset != 0 || end.offset != 0 {
            note("it heard up to \(String(describing: heard)) of \(end)")
        }
    }

    private mutating func note(_ text: String) { problems.append(text) }

    private mutating func publish() {
        end.offset += 1
        let publication = Publication(
            channel: channel, payload: Payload(text: "\(end)"), position: end)
        kept.append(publication)
        if kept.count > 15 { kept.removeFirst() }
        if chance(12) == 0 { unreadable.insert(end.offset) } else if isLinked { onTheWire.append(publication) }
    }

    private mutating func receive(loses: Bool = true) {
        guard !onTheWire.isEmpty, isLinked else { return }
        let publication = onTheWire.removeFirst()
        guard !loses || chance(8) > 0, let place = publication.position else { return }
        if let action = followed.publication(publication, at: place) { perform([action]) }
    }

    private mutating func link() {
        isLinked.toggle()
        if isLinked {
            let waiters: [FollowedStreams.Waiter] = isWaiting ? [.init(receiver: 0, ticket: 1)] : []
            followed.confirmed(channel, waiters)
        } else {
            onTheWire = []
            perform(followed.linkIsLost())
        }
    }

    /// Redis reads when it reads; the answer comes later.
    private mutating func takeReads() {
        for read in followed.takeReads() { reads.append((read, nil)) }
        for index in reads.indices where reads[index].page == nil && chance(2) == 0 {
            reads[index].page = page(reads[index].read.query)
        }
    }

    private func page(_ query: HistoryQuery) -> HistoryPage {
        let since = query.since?.offset ?? 0
        let found = query.limit == 0 ? [] : kept.filter { ($0.position?.offset ?? 0) > since }
        let limit = min(query.limit, 6)
        let readable = found.prefix(limit).filter { !unreadable.contains($0.position?.offset ?? 0) }
        return HistoryPage(
            publications: Array(readable), position: end, leaps: leaps,
            isCut: query.limit > 0 && found.count > limit, unreadable: min(limit, found.count) - readable.count)
    }

    private mutating func answer(fails: Bool) {
        guard !reads.isEmpty else { return }
        let (read, page) = reads.removeFirst()
        let result: Result<HistoryPage, BrokerError> =
            fails ? .failure(.unavailable) : .success(page ?? self.page(read.query))
        perform(followed.answered(.init(read: read, result: result)))
    }

    /// Redis comes back empty.
    private mutating func forget() {
        lives += 1
        end = StreamPosition(offset: 0, epoch: "e\(lives)")
        kept = []
        leaps = []
        unreadable = []
    }

    /// Redis comes back from its disk, perhaps without its last publications.
    private mutating func leap() {
        guard end.offset > 0 else { return }
        let lost = min(chance(3), kept.count)
        kept.removeLast(lost)
        end.offset -= UInt64(lost)
        unreadable = unreadable.filter { $0 <= end.offset }
        leaps.append(.init(last: end.offset, next: end.offset + 1_001))
        everyLeap += leaps.suffix(1)
        end.offset += 1_000
        publish()
    }

    private mutating func perform(_ actions: [FollowedStreams.Action]) {
        for action in actions {
            switch action {
            case .deliver(let publication), .repaired(let publication): delivered(publication)
            case .insufficient(_, let position): heard = position
            case .subscribed(_, _, let position):
                heard = position
                isWaiting = false
            case .failed:
                isWaiting = true
                followed.confirmed(channel, [.init(receiver: 0, ticket: 1)])
            }
        }
    }

    private mutating func delivered(_ publication: Publication) {
        guard !isWaiting, let before = heard, let place = publication.position else { return }
        let follows =
            place.offset == before.offset + 1
            || everyLeap.contains { $0.last == before.offset && $0.next == place.offset }
        if place.epoch != before.epoch || !follows { note("\(place) after \(before), leaps \(leaps)") }
        heard = place
    }
}
