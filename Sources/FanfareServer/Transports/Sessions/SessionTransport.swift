import FanfareCore
import FanfareWire
import NIOCore

/// The transport of a client whose session outlives its requests: it has no connection, keeps what the client is told for the next
/// request that receives, and gives the client what other requests bring. See ``SessionForm``.
///
/// What it keeps waits in the client's outbox as for any slow reader, with the same bounds; the first part of it, up to 64 KiB, is
/// the next answer. Who is given an answer counts as having it. Lives on its client's event loop.
class SessionTransport: ClientTransport, AddressedSession, WheelMember, TurnTaker {
    typealias Answer = (SessionReply) -> Void

    final var client: Client?
    final var wheelPlace = WheelPlace()
    final let address: SessionAddress
    final let loop: LoopState
    final let form: any SessionForm
    final let name: TransportName
    /// Whether publications come as bare text, and each is sealed as it comes.
    final var sealsPublications = false
    private var receivers = ReceiverStateMachine()
    /// The receiver that waits.
    private var waiting: (question: SessionQuestion, answer: Answer)?
    /// The next answer: whole messages.
    private var ready: [ByteBuffer] = []
    /// The beginning of a message whose end waits behind.
    private var rest: [ByteBuffer] = []
    /// Tells the outbox that the last part of that is taken; `nil`: nothing waits.
    private var taken: EventLoopPromise<Void>?
    /// Whether the next answer is being made, and what comes meanwhile belongs to it.
    private var isGathering = false
    /// Whether it has a turn to come.
    private var isDue = false
    /// The receiver that waited when the session ended.
    private var last: Answer?
    /// What came for the client.
    private var inbox = SessionInbox()
    /// Why the session ends, once it does.
    private var end: (code: UInt16, reason: String)?
    /// Whether nothing is to remain of it.
    private var isForgotten = false

    /// - Parameter name: how clients that it carries are counted.
    init(_ loop: LoopState, _ address: SessionAddress, _ form: any SessionForm, _ name: TransportName) {
        (self.loop, self.address, self.form, self.name) = (loop, address, form, name)
    }

    // MARK: What requests ask

    /// The session begins, and belongs to the request that opened it.
    ///
    /// - Parameter receiver: a receiver that is attached from the beginning, and will ask; `nil`: none is.
    final func begin(_ receiver: UInt64?) {
        if let receiver, receivers.ask(receiver) { receivers.answered(stays: true) }
        expect()
    }

    /// A receiver asks. Its answer may come at once.
    final func receive(_ question: SessionQuestion, _ answer: @escaping Answer) {
        guard let client else {
            expect()
            return answer(lastReply)
        }
        guard receivers.ask(question.receiver) else { return answer(.occupied) }
        waiting = (question, answer)
        // What this turn brought counts, too.
        loop.flushHub()
        client.flushTurn()
        guard waiting != nil else { return }
        guard taken == nil else { return give() }
        guard question.wait > 0 else { return release() }
        loop.wheel.schedule(self, at: loop.node.clock.monotonicMicroseconds() + question.wait)
    }

    /// A receiver goes.
    ///
    /// - Parameter aborted: whether its client went, and not the receiver; the session ends with that.
    final func leave(_ receiver: UInt64, aborted: Bool) {
        guard receivers.leave(receiver) else { return }
        let answer = waiting?.answer
        waiting = nil
        if aborted { client?.lost(.abnormal) } else { expect() }
        // The receiver does not need it. Whoever asked for it on another node counts what has no answer yet.
        answer?(aborted ? lastReply : .nothing)
    }

    /// The body of a request came.
    final func send(_ body: ByteBuffer, _ answer: @escaping (SessionOutcome) -> Void) {
        guard let client, client.isOpen else { return answer(.taken) }
        let most = SessionBounds.bodySizes * client.limits.maxMessageBytes
        guard inbox.add(body, limit: most, answer) else { return answer(.full) }
        client.charge(bytes: body.readableBytes, now: loop.node.clock.monotonicMicroseconds())
        client.waitForTurn()
    }

    /// No connection is ever this session's.
    final func take(_ connection: MovedConnection) { connection.close() }

    /// What a message of a request is to the transport: here always one for the client.
    func arrival(of message: Payload, now: UInt64) -> Arrival {
        client?.lifeSeen(now: now)
        return .message(message)
    }

    /// The last thing that receivers are told.
    ///
    /// - Returns: `nil`: nothing is told, the session is forgotten.
    func ending(_ disconnect: Disconnect, reason: String) -> (code: UInt16, reason: String)? {
        (disconnect.code, reason)
    }

    // MARK: Turns

    /// Answers at the next turn. What the client is told comes in the middle of the hub's walk through its subscribers, and so may the
    /// client's end: an answer there would have the receiver ask again, or its connection begin the next request, and either changes
    /// what is walked.
    private func answerSoon() {
        guard !isDue else { return }
        isDue = true
        loop.turns.add(self)
    }

    final func takeTurn() {
        isDue = false
        guard client == nil else {
            if waiting != nil, taken != nil { give() }
            return
        }
        let answer = last
        last = nil
        inbox.close()
        answer?(lastReply)
    }

    // MARK: Time

    final func deadlineReached(now: UInt64) {
        if client == nil {
            loop.sessions.remove(self)
        } else if waiting != nil {
            if taken == nil { release() } else { give() }
        } else {
            isForgotten = true
            client?.lost(.abnormal)
        }
    }

    /// The receiver that waits has its answer: nothing came.
    private func release() {
        guard let waiting else { return }
        answered()
        waiting.answer(.nothing)
    }

    private func answered() {
        guard let question = waiting?.question else { return }
        waiting = nil
        receivers.answered(stays: question.stays)
        expect()
    }

    /// From now on a receiver has so much time to come, and one that is attached to take what it has.
    private func expect() {
        let time = receivers.attached == nil ? form.gap : loop.node.configuration.limits.slowTimeout
        loop.wheel.schedule(self, at: loop.node.clock.monotonicMicroseconds() + time.microseconds)
    }

    private func give() {
        gather()
        guard let waiting else { return }
        var bytes = ByteBuffer()
        bytes.reserveCapacity(readyBytes)
        for part in ready { bytes.writeImmutableBuffer(part) }
        ready = []
        let promise = taken
        taken = nil
        answered()
        waiting.answer(.messages(bytes))
        // What waits behind it follows, at once where the receiver has asked again.
        promise?.succeed()
    }

    private var readyBytes: Int { ready.reduce(0) { $0 + $1.readableBytes } }

    /// Takes what waits behind the next answer into it: the outbox gave its first part when that was all there was. A client that
    /// ends gives the rest part by part, for the last one takes its session with it.
    private func gather() {
        isGathering = true
        defer { isGathering = false }
        while client?.isOpen == true, readyBytes < Outbox.chunkBytes || ready.isEmpty, let promise = taken {
            taken = nil
            promise.succeed()
        }
    }

    private var lastReply: SessionReply { end.map { .ended(code: $0.code, reason: $0.reason) } ?? .gone }

    // MARK: What the client hands over

    final func write(_ part: ByteBuffer, promise: EventLoopPromise<Void>?) {
        rest.append(part)
        if let promise { taken = promise }
    }

    final func flush() {
        guard let promise = taken else { return }
        cut()
        guard !isGathering else { return }
        guard !ready.isEmpty else {
            // A part of one long message: the next part has its end.
            taken = nil
            return promise.succeed()
        }
        if waiting != nil { answerSoon() }
    }

    /// Takes all whole messages out of what came.
    private func cut() {
        for index in rest.indices.reversed() {
            guard let end = rest[index].readableBytesView.lastIndex(of: form.terminator) else { continue }
            let length = end + 1 - rest[index].readerIndex
            ready += rest[..<index]
            if let last = rest[index].readSlice(length: length) { ready.append(last) }
            rest.removeFirst(rest[index].readableBytes > 0 ? index : index + 1)
            return
        }
    }

    /// Once: the client is gone, and with it what it kept.
    final func close() {
        guard let client else { return }
        let promise = taken
        last = waiting?.answer
        (self.client, taken, waiting, ready, rest) = (nil, nil, nil, [], [])
        receivers = ReceiverStateMachine()
        client.finish()
        promise?.fail(ChannelError.alreadyClosed)
        if end == nil, !isForgotten { end = ending(.abnormal, reason: Disconnect.abnormal.reason) }
        if end == nil || isForgotten || !loop.sessions.keepsEnd(of: self) {
            loop.wheel.cancel(self)
            loop.sessions.remove(self)
        } else {
            expect()
        }
        answerSoon()
    }

    // MARK: What the client asks of its transport

    final func next(now: UInt64) -> Arrival? {
        let message = inbox.next(form)
        // A body without a message is one to the client's rates.
        for _ in 0..<inbox.takeEmpty() { client?.charge(now: now) }
        guard let message else { return nil }
        guard let client, message.bytes.readableBytes <= client.limits.maxMessageBytes else {
            client?.end(.messageTooBig)
            return .control
        }
        return arrival(of: message, now: now)
    }

    final func farewell(_ disconnect: Disconnect, reason: String) -> (bytes: ByteBuffer, then: AfterLastBytes) {
        end = ending(disconnect, reason: reason)
        return (ByteBuffer(), .closeSocket)
    }

    final func boundary(in bytes: ByteBuffer, from taken: Int) -> Int {
        guard taken > 0 else { return 0 }
        return bytes.withUnsafeReadableBytes { bytes in
            var end = taken
            while end < bytes.count, bytes[end - 1] != form.terminator { end += 1 }
            return min(end, bytes.count)
        }
    }

    final func turnEnded(now: UInt64) { inbox.answerTaken() }
    final var changesFrames: Bool { sealsPublications }
    final func changed(_ frame: SplitFrame) -> SplitFrame {
        sealsPublications ? SplitFrame(body: seal(Body(Payload(kind: .text, bytes: frame.joined)))) : frame
    }
    final func seal(_ body: consuming Body) -> ByteBuffer { form.seal(body) }
    final var ping: ByteBuffer { form.ping }
    final var keepAlive: KeepAliveMode? { form.keepAlive }
    /// What is in the inbox is bounded, and the request behind it waits for its answer.
    final func setReading(_ isReading: Bool) {}
    final func closeOutput() { close() }
}
