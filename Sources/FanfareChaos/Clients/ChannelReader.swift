import NIOCore

/// Reads one channel by requests, each with its place: one answer without end, or polls. Belongs to the run's event loop.
final class ChannelReader {
    private enum Phase {
        /// Asks at that time.
        case away(until: Int64)
        case asking(since: Int64)
        /// The head of the answer has come.
        case reading
    }

    private let kind: ClientKind
    private let client: Int
    private let channel: Int
    private let form: ReaderForm
    private unowned let loop: ChaosLoop
    private var phase = Phase.away(until: 0)
    private var wire: AnswerWire?
    private var body: (any ReaderBody)?
    private var heardAt: Int64 = 0
    private var failures = 0
    /// What the node said about the end of the stream.
    private var ending: String?
    /// Whether it gets everything that it wants: its stream has begun, or its last poll was answered.
    private(set) var isWhole = false

    init(kind: ClientKind, client: Int, channel: Int, form: ReaderForm, loop: ChaosLoop) {
        self.kind = kind
        self.client = client
        self.channel = channel
        self.form = form
        self.loop = loop
    }

    private var position: Judge.Position? { loop.judge.position(client: client, channel: channel) }

    func step(_ now: Int64) {
        switch phase {
        case .away(let until): if now >= until { ask(now) }
        case .asking(let since):
            let wait = form.isEndless ? Duration.zero : ReaderForm.pollWait
            if now - since > (loop.plan.answerTimeout + wait).microsecondCount { fail("no answer in time") }
        case .reading:
            if now - heardAt > (loop.plan.pingInterval + .seconds(3)).microsecondCount { fail("no ping") }
        }
    }

    /// Reads no more until it asks again, at the next step.
    func stop() {
        wire?.close()
        wire = nil
        isWhole = false
        phase = .away(until: 0)
    }

    private func ask(_ now: Int64) {
        phase = .asking(since: now)
        ending = nil
        let wire = AnswerWire(eventLoop: loop.eventLoop, port: loop.port)
        self.wire = wire
        let (path, fields) = form.request(loop.name(channel), at: position, waits: isWhole)
        wire.ask(path, fields) { [unowned self, unowned wire] event in
            guard self.wire === wire else { return }
            heardAt = loop.now
            switch event {
            case .piece(.head(let head)): begin(head)
            case .piece(.body(let part)): for event in body?.read(part) ?? [] { handle(event) }
            case .piece(.end): ended()
            case .broken(let reason): fail(reason)
            }
        }
    }

    private func begin(_ head: AnswerReader.Head) {
        switch head.status {
        case 200:
            phase = .reading
            body = form.makeBody()
        case 204 where !form.isEndless:
            phase = .reading
            body = nil
            begins(head["fanfare-position"].flatMap { Judge.Position($0) })
        default: fail("HTTP \(head.status)")
        }
    }

    private func handle(_ event: ReaderEvent) {
        switch event {
        case .position(let place): begins(place)
        case .reset(let place): resets(place)
        case .publication(let data, let place): publication(data, place)
        case .disconnect(let code): ending = "close \(code)"
        case .foreign(let text): loop.judge.note(.foreign, client, channel, text)
        }
    }

    /// The node says that everything up to a place was told.
    private func begins(_ place: Judge.Position?) {
        guard let place else { return loop.judge.note(.foreign, client, channel, "a channel without a position") }
        guard let position else {
            loop.judge.began(client: client, channel: channel, at: place)
            return isGood()
        }
        comesBack(in: place.epoch)
        guard place.epoch == position.epoch, place.offset >= position.offset else {
            return loop.judge.note(.foreign, client, channel, "asked for \(position) on, and gets \(place)")
        }
        loop.judge.reached(client: client, channel: channel, at: place)
    }

    private func resets(_ place: Judge.Position?) {
        guard let place, position != nil else {
            return loop.judge.note(.foreign, client, channel, "a reset that leads nowhere")
        }
        loop.judge.told(client: client, channel: channel, at: place)
        isGood()
    }

    private func publication(_ data: ByteBuffer, _ place: Judge.Position?) {
        // A poll is answered with what came, and says nothing before it.
        if !form.isEndless, let place { comesBack(in: place.epoch) }
        guard isWhole, let place, let position, place.epoch == position.epoch else {
            let text = "\(String(buffer: data)) at \(place.map { "\($0)" } ?? "no place")"
            return loop.judge.note(.foreign, client, channel, text)
        }
        loop.delivered(kind, client: client, channel: channel, data: data, offset: place.offset)
    }

    private func comesBack(in epoch: String) {
        if !isWhole { loop.judge.recovered(client: client, channel: channel, epoch: epoch) }
        isGood()
    }

    private func isGood() {
        isWhole = true
        failures = 0
    }

    private func ended() {
        wire = nil
        // What is refused to an event stream may be an answer without an event: come later.
        guard isWhole, !form.isEndless else { return fail(ending ?? "the answer ended") }
        // Whoever polls does something with what it got.
        phase = .away(until: loop.now + Int64.random(in: 200_000...800_000, using: &loop.random))
    }

    /// There is no answer any more: comes back after a random wait that grows.
    private func fail(_ reason: String) {
        loop.counts.note(reason)
        stop()
        failures += 1
        let bound = Int64(100_000) << min(failures, 4)
        phase = .away(until: loop.now + Int64.random(in: 0...bound, using: &loop.random))
    }
}
