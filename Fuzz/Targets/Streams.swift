import FanfareCore
import FanfareWire

@testable import FanfareRedis

extension FuzzTarget {
    /// What the node follows of streams, with a Redis that says anything: whoever is subscribed hears a stream in order,
    /// nothing twice, or is told.
    static let streams = FuzzTarget(name: "streams", maxBytes: 512) { input in
        var run = StreamRun(input)
        run.run()
    }
}

private struct StreamRun {
    private var input: FuzzInput
    private var desk = FollowedStreams(metrics: Self.metrics)
    private var reads: [FollowedStreams.Read] = []
    private var heard: StreamPosition?
    /// How many reads may follow another one that had nothing new: one for each thing that happened.
    private var spare = 0
    private static let channel = try! ChannelName("c")
    private static let metrics = BrokerMetrics()

    init(_ input: FuzzInput) { self.input = input }

    mutating func run() {
        while !input.isEmpty {
            let choice = input.pick(8)
            if choice != 4, choice != 5 { spare += 1 }
            switch choice {
            case 0: desk.confirmed(Self.channel, [.init(receiver: 0, ticket: 1)])
            case 1: if let action = desk.join(Self.channel, .init(receiver: 0, ticket: 2)) { perform(action) }
            case 2, 3:
                let publication = publication()
                guard let place = publication.position else { continue }
                if let action = desk.publication(publication, at: place) { perform(action) }
            case 4, 5: answer()
            case 6: desk.linkIsLost().forEach { perform($0) }
            default:
                desk.retry()
                desk.check(parts: 1)
            }
            reads += desk.takeReads()
        }
    }

    /// Small offsets meet; the edges of the range, too.
    private mutating func position() -> StreamPosition {
        let byte = input.byte()
        let offset = byte < 0xF0 ? UInt64(byte & 0x1F) : UInt64.max - UInt64(byte & 0x0F)
        return StreamPosition(offset: offset, epoch: input.pick(["a", "a", "a", "b"]))
    }

    private mutating func publication() -> Publication {
        Publication(channel: Self.channel, payload: Payload(text: "p"), position: position())
    }

    private mutating func answer() {
        guard !reads.isEmpty else { return }
        let read = reads.removeFirst()
        guard input.pick(4) > 0 else {
            return perform(desk.answered(.init(read: read, result: .failure(.unavailable))))
        }
        let position = position()
        // The script gives entries of one stream, in their order, each once.
        var publications = (0..<input.pick(5)).map { _ in publication() }
        for index in publications.indices { publications[index].position?.epoch = position.epoch }
        publications.sort { ($0.position?.offset ?? 0) < ($1.position?.offset ?? 0) }
        var last: UInt64 = 0
        publications.removeAll { publication in
            guard let offset = publication.position?.offset, offset > last, offset <= position.offset else {
                return true
            }
            last = offset
            return false
        }
        var leaps: [HistoryPage.Leap] = []
        if input.pick(4) == 0 { leaps.append(.init(last: self.position().offset, next: self.position().offset)) }
        let page = HistoryPage(
            publications: publications, position: position, leaps: leaps, isCut: input.pick(4) == 0)
        let actions = desk.answered(.init(read: read, result: .success(page)))
        perform(actions)
        let more = desk.takeReads()
        reads += more
        if actions.isEmpty { spare -= more.count }
        expect(spare >= 0, "reads without end: \(read.query), \(page)")
    }

    private mutating func perform(_ actions: [FollowedStreams.Action]) { for action in actions { perform(action) } }

    private mutating func perform(_ action: FollowedStreams.Action) {
        switch action {
        case .deliver(let publication), .repaired(let publication):
            guard let place = publication.position else { fatalError("a delivery without a place") }
            if let heard {
                let isNext = place.offset > heard.offset && place.offset - heard.offset == 1
                expect(
                    heard.epoch == place.epoch && (isNext || publication.follows == heard.offset),
                    "\(place) after \(heard), follows \(String(describing: publication.follows))")
            }
            heard = place
        case .insufficient(_, let position), .subscribed(_, _, let position): heard = position
        case .failed: heard = nil
        }
    }
}
