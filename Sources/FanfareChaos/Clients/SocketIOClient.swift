import NIOCore

/// A recovering client of Socket.IO, as the official one is: comes back with its private id and the last offset that it heard, and is in
/// all its channels where it was. Where it went by itself, or the node could not give it everything back, it asks for each channel with
/// its place there. Belongs to the run's event loop.
final class SocketIOClient: ListeningClient {
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
    let listens: [Int]
    private(set) var isAwayByWish = false
    private let form: EngineIOWire.Form
    private unowned let loop: ChaosLoop
    private var phase = Phase.away(until: 0)
    private var places: [Place]
    private var wire: EngineIOWire?
    /// With what it comes back; `nil`: as somebody new.
    private var pid: String?
    private var offset: String?
    private var lastID: UInt32 = 0
    private var heardAt: Int64 = 0
    private var failures = 0
    private var publishing: [UInt32: PublicationID] = [:]
    private var published = 0

    init(kind: ClientKind, index: Int, channels: [Int], loop: ChaosLoop, form: EngineIOWire.Form) {
        (self.kind, self.index, listens, self.loop, self.form) = (kind, index, channels, loop, form)
        places = channels.map { _ in .wanted(at: 0) }
    }

    var isConnected: Bool { if case .connected = phase { true } else { false } }
    var isWhole: Bool { isConnected && places.allSatisfy { $0 == .subscribed } }

    func step(_ now: Int64) {
        switch phase {
        case .away(let until) where now >= until: connect(now)
        case .connecting(let since) where now - since > loop.plan.answerTimeout.microsecondCount:
            fail("no namespace in time")
        case .connected: stepConnected(now)
        case .away, .connecting, .ended: break
        }
    }

    func leave(for time: Int64, politely: Bool, now: Int64) {
        guard isConnected else { return }
        isAwayByWish = true
        if politely {
            // Who says goodbye is somebody new when it comes back.
            wire?.send("1")
            (pid, offset) = (nil, nil)
        }
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

    func publish() -> Bool {
        guard isConnected, publishing.isEmpty, let channel = listens.randomElement(using: &loop.random) else {
            return false
        }
        published += 1
        let id = PublicationID(channel: channel, publisher: ChaosLoop.firstClientPublisher + index, number: published)
        lastID += 1
        publishing[lastID] = id
        wire?.send("2\(lastID)[\"publish\",\"\(loop.name(channel))\",\(id.data(run: loop.run))]")
        return true
    }

    private func connect(_ now: Int64) {
        isAwayByWish = false
        phase = .connecting(since: now)
        let wire = EngineIOWire(form, eventLoop: loop.eventLoop, port: loop.port)
        self.wire = wire
        wire.connect { [unowned self, unowned wire] event in
            guard self.wire === wire else { return }
            heardAt = loop.now
            switch event {
            case .open:
                let back = pid.flatMap { pid in offset.map { "{\"pid\":\"\(pid)\",\"offset\":\"\($0)\"}" } }
                wire.send("0" + (back ?? ""))
            case .ping: break
            case .message(let packet): handle(SocketIOMessage(packet))
            case .closed(let reason): fail(reason)
            }
        }
    }

    private func stepConnected(_ now: Int64) {
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

    private func subscribe(_ place: Int, _ now: Int64) {
        lastID += 1
        places[place] = .asking(lastID, since: now)
        let since = position(in: listens[place]).map { ",\"since\":\"\($0)\"" } ?? ""
        wire?.send("2\(lastID)[\"subscribe\",{\"room\":\"\(loop.name(listens[place]))\"\(since)}]")
    }

    private func position(in channel: Int) -> Judge.Position? { loop.judge.position(client: index, channel: channel) }

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
}

/// What it hears.
extension SocketIOClient {
    private func handle(_ message: SocketIOMessage) {
        switch message {
        case .joined(let pid): joined(pid)
        case .event(let name, let arguments, let offset): heard(name, arguments, offset)
        case .answer(let id, let answer): answered(id, answer)
        case .left(let reason):
            // It would not come back by itself.
            (pid, offset) = (nil, nil)
            fail(reason)
        case .other: loop.judge.note(.foreign, index, nil, "a packet that can't be read")
        }
    }

    /// With the same private id it is in each channel of its offset, and what it missed follows.
    private func joined(_ pid: String) {
        phase = .connected
        if pid == self.pid, let offset { isBack(offset) }
        if pid != self.pid { offset = nil }
        self.pid = pid
        stepConnected(heardAt)
    }

    private func isBack(_ offset: String) {
        for place in SocketIOMessage.places(offset) {
            guard let channel = loop.channel(place.channel), let index = listens.firstIndex(of: channel) else {
                continue
            }
            places[index] = .subscribed
            failures = 0
            guard let position = position(in: channel) else {
                // Its subscription was in force, and it was cut off before it heard so.
                loop.judge.began(client: self.index, channel: channel, at: place.position)
                continue
            }
            if position == place.position {
                loop.judge.recovered(client: self.index, channel: channel, epoch: place.position.epoch)
            } else {
                // The same, of a subscription that began anew.
                loop.judge.told(client: self.index, channel: channel, at: place.position)
            }
        }
    }

    private func heard(_ name: String, _ arguments: [ByteBuffer], _ offset: String?) {
        guard let offset else { return loop.judge.note(.foreign, index, nil, "the event \(name) without an offset") }
        self.offset = offset
        let places = SocketIOMessage.places(offset)
        switch name {
        case "fanfare:offset": for place in places { reached(place) }
        case "message" where arguments.count == 1: publication(arguments[0], places)
        default: loop.judge.note(.foreign, index, nil, "an event \(name) that nobody published")
        }
    }

    /// The node says where the client is. In another stream it is when the answer to its subscription says so.
    /// While it asks for a channel the answer says whether it is there by what it missed or without it, and comes behind.
    private func reached(_ place: SocketIOMessage.Place) {
        guard let channel = loop.channel(place.channel), let mine = listens.firstIndex(of: channel),
            places[mine] == .subscribed, position(in: channel)?.epoch == place.position.epoch
        else { return }
        loop.judge.reached(client: index, channel: channel, at: place.position)
    }

    /// Which channel a publication is of, it says itself; the offset says where the client is with it.
    private func publication(_ data: ByteBuffer, _ places: [SocketIOMessage.Place]) {
        guard let channel = PublicationID.read(data, run: loop.run)?.channel,
            let mine = listens.firstIndex(of: channel), self.places[mine] == .subscribed,
            let place = places.first(where: { loop.channel($0.channel) == channel }),
            position(in: channel)?.epoch == place.position.epoch
        else { return loop.judge.note(.foreign, index, nil, "\(String(buffer: data)) with \(places)") }
        loop.delivered(kind, client: index, channel: channel, data: data, offset: place.position.offset)
    }

    private func answered(_ id: UInt32, _ answer: SocketIOMessage.Answer) {
        if let publication = publishing.removeValue(forKey: id) {
            return answer.error == nil
                ? loop.judge.acknowledged(publication, at: nil) : loop.judge.unknown(publication)
        }
        guard let place = places.firstIndex(where: { if case .asking(id, _) = $0 { true } else { false } }) else {
            return
        }
        guard answer.error == nil else {
            loop.counts.refusals += 1
            places[place] = .wanted(at: loop.now + Int64.random(in: 50_000...500_000, using: &loop.random))
            return
        }
        let channel = listens[place]
        guard let position = answer.position else {
            return loop.judge.note(.foreign, index, channel, "a subscription without a position")
        }
        places[place] = .subscribed
        failures = 0
        switch answer.isRecovered {
        case nil: loop.judge.began(client: index, channel: channel, at: position)
        case true?: loop.judge.recovered(client: index, channel: channel, epoch: position.epoch)
        case false?: loop.judge.told(client: index, channel: channel, at: position)
        }
    }
}
