import NIOCore

/// A recovering client, as the Centrifuge SDKs are: keeps its place in every channel, comes back with it after any loss of
/// its connection or subscription. Belongs to the run's event loop.
final class ChaosClient: ListeningClient {
    /// What it does with one of its channels.
    private enum Place: Equatable {
        /// It will ask, at that time.
        case wanted(at: Int64)
        case asking(UInt32, since: Int64)
        case subscribed
    }

    private enum Phase {
        /// Not connected, and will be at that time.
        case away(until: Int64)
        case connecting(since: Int64)
        case connected
        case ended
    }

    let kind: ClientKind
    let index: Int
    private let channels: [Int]
    private let makeWire: () -> any SessionWire
    private unowned let loop: ChaosLoop
    private var phase = Phase.away(until: 0)
    private var places: [Place]
    private var wire: (any SessionWire)?
    private var lastID: UInt32 = 1
    private var heardAt: Int64 = 0
    private var failures = 0
    private var publishing: [UInt32: PublicationID] = [:]
    private var published = 0
    /// Whether it went away by itself.
    private(set) var isAwayByWish = false

    /// - Parameter makeWire: a connection for its next session.
    init(
        kind: ClientKind, index: Int, channels: [Int], loop: ChaosLoop, makeWire: @escaping () -> any SessionWire
    ) {
        self.kind = kind
        self.makeWire = makeWire
        self.index = index
        self.channels = channels
        self.loop = loop
        places = channels.map { _ in .wanted(at: 0) }
    }

    var isConnected: Bool { if case .connected = phase { true } else { false } }
    /// Whether it gets everything that it wants.
    var isWhole: Bool { isConnected && places.allSatisfy { $0 == .subscribed } }
    var listens: [Int] { channels }

    /// Looks at its deadlines; called several times a second.
    func step(_ now: Int64) {
        switch phase {
        case .away(let until) where now >= until: connect(now)
        case .connecting(let since) where now - since > loop.plan.answerTimeout.microsecondCount:
            fail("no session in time")
        case .connected: stepConnected(now)
        case .away, .connecting, .ended: break
        }
    }

    /// Goes away by itself for that long.
    func leave(for time: Int64, politely: Bool, now: Int64) {
        guard isConnected else { return }
        isAwayByWish = true
        drop()
        wire?.close(politely: politely)
        wire = nil
        phase = .away(until: now + time)
    }

    func end() {
        phase = .ended
        drop()
        wire?.close(politely: true)
        wire = nil
    }

    /// Publishes, if it can now.
    func publish() -> Bool {
        guard isConnected, publishing.isEmpty, let channel = channels.randomElement(using: &loop.random) else {
            return false
        }
        lastID += 1
        published += 1
        let id = PublicationID(channel: channel, publisher: ChaosLoop.firstClientPublisher + index, number: published)
        publishing[lastID] = id
        wire?.send(
            "{\"id\":\(lastID),\"publish\":{\"channel\":\"\(loop.name(channel))\",\"data\":\(id.data(run: loop.run))}}")
        return true
    }

    private func connect(_ now: Int64) {
        isAwayByWish = false
        phase = .connecting(since: now)
        let wire = makeWire()
        self.wire = wire
        wire.connect { [unowned self, unowned wire] event in
            if self.wire === wire { handle(event) }
        }
    }

    private func stepConnected(_ now: Int64) {
        // The SDKs' own patience is 10 s beyond the interval.
        if now - heardAt > (loop.plan.pingInterval + .seconds(3)).microsecondCount { return fail("no ping") }
        for (index, place) in places.enumerated() {
            switch place {
            case .wanted(let at) where now >= at: subscribe(index, now)
            case .asking(_, let since) where now - since > loop.plan.answerTimeout.microsecondCount:
                return fail("no answer to subscribe")
            default: break
            }
        }
    }

    private func subscribe(_ index: Int, _ now: Int64) {
        lastID += 1
        places[index] = .asking(lastID, since: now)
        let channel = channels[index]
        let recovery =
            loop.judge.position(client: self.index, channel: channel).map {
                ",\"recover\":true,\"epoch\":\"\($0.epoch)\",\"offset\":\($0.offset)"
            } ?? ""
        wire?.send("{\"id\":\(lastID),\"subscribe\":{\"channel\":\"\(loop.name(channel))\"\(recovery)}}")
    }

    private func handle(_ event: SessionEvent) {
        heardAt = loop.now
        switch event {
        case .open: wire?.send(#"{"id":1,"connect":{}}"#)
        case .closed(let reason): fail(reason)
        case .message(let message): handle(message)
        }
    }

    private func handle(_ message: CentrifugeMessage) {
        switch message {
        case .ping: wire?.send("{}")
        case .connected:
            phase = .connected
            stepConnected(heardAt)
        case .publication(let name, let item): publication(name, item)
        case .subscribed(let id, let subscription): subscribed(id, subscription)
        case .unsubscribed(let name, let code): unsubscribed(name, code)
        case .disconnected(let code): fail("disconnect \(code)")
        case .published(let id):
            if let publication = publishing.removeValue(forKey: id) { loop.judge.acknowledged(publication, at: nil) }
        case .failed(let id, let code, let text): failed(id, code, text)
        case .other: loop.judge.note(.foreign, index, nil, "a message that can't be read")
        }
    }

    private func publication(_ name: String, _ item: CentrifugeMessage.Item) {
        guard let place = place(name), places[place] == .subscribed else {
            return loop.judge.note(.foreign, index, nil, "a publication of \(name), which it does not listen to")
        }
        deliver(item, channels[place])
    }

    private func deliver(_ item: CentrifugeMessage.Item, _ channel: Int) {
        loop.delivered(kind, client: index, channel: channel, data: item.data, offset: item.offset)
    }

    private func subscribed(_ id: UInt32, _ subscription: CentrifugeMessage.Subscription) {
        guard let place = asking(id) else { return }
        places[place] = .subscribed
        failures = 0
        let channel = channels[place]
        guard loop.judge.position(client: index, channel: channel) != nil else {
            return loop.judge.began(client: index, channel: channel, at: subscription.position)
        }
        guard subscription.isRecovered else {
            return loop.judge.told(client: index, channel: channel, at: subscription.position)
        }
        loop.judge.recovered(client: index, channel: channel, epoch: subscription.position.epoch)
        for item in subscription.publications { deliver(item, channel) }
        loop.judge.reached(client: index, channel: channel, at: subscription.position)
    }

    private func unsubscribed(_ name: String, _ code: UInt32) {
        guard let place = place(name) else { return }
        loop.counts.unsubscribes += 1
        if code < 2500 { loop.judge.note(.foreign, index, channels[place], "unsubscribed for good with \(code)") }
        places[place] = .wanted(at: loop.now + Int64.random(in: 0...100_000, using: &loop.random))
    }

    private func failed(_ id: UInt32, _ code: UInt32, _ text: String) {
        if let publication = publishing.removeValue(forKey: id) { return loop.judge.unknown(publication) }
        guard let place = asking(id) else { return fail("error \(code) \(text)") }
        loop.counts.refusals += 1
        places[place] = .wanted(at: loop.now + Int64.random(in: 50_000...500_000, using: &loop.random))
    }

    /// The connection is gone: comes back after a random wait that grows.
    private func fail(_ reason: String) {
        loop.counts.note(reason)
        drop()
        wire?.close(politely: false)
        wire = nil
        failures += 1
        let bound = Int64(100_000) << min(failures, 4)
        phase = .away(until: loop.now + Int64.random(in: 0...bound, using: &loop.random))
    }

    private func drop() {
        for publication in publishing.values { loop.judge.unknown(publication) }
        publishing = [:]
        for index in places.indices { places[index] = .wanted(at: 0) }
    }

    private func place(_ name: String) -> Int? { loop.channel(name).flatMap { channels.firstIndex(of: $0) } }

    private func asking(_ id: UInt32) -> Int? {
        places.firstIndex { if case .asking(id, _) = $0 { true } else { false } }
    }
}
