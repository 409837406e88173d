import FanfareCore
import FanfareProtocols
import FanfareWire
import NIOCore

/// A poller of a channel without history, as the channel sees it: a client that stays between two polls, has no connection, and
/// keeps what comes for the next poll, wherever that lands.
///
/// What it keeps waits in its client's outbox as for any slow reader, with the same bounds; the first part of it, up to 64 KiB, is
/// the next answer. It stays until a poll says that it has had that answer. Lives on its client's event loop.
final class PollBuffer: ClientTransport, WheelMember {
    typealias Answer = (PollReply) -> Void

    var client: Client?
    var wheelPlace = WheelPlace()
    let id: ClientID
    let channel: ChannelName
    private let loop: LoopState
    /// Answers that the poller has had.
    private var answers: UInt64 = 0
    /// The next answer: whole lines.
    private var lines: [ByteBuffer] = []
    /// The beginning of a line whose end waits behind.
    private var rest: [ByteBuffer] = []
    /// Tells the outbox that the next answer has arrived; `nil`: nothing waits.
    private var taken: EventLoopPromise<Void>?
    /// Whether the next answer was given to a poll.
    private var isGiven = false
    /// A poll that waits for it.
    private var waiting: (poll: UInt64, answer: Answer)?

    private init(_ loop: LoopState, _ channel: ChannelName) {
        (self.loop, self.channel) = (loop, channel)
        id = ClientID.make(node: loop.node.id, loop: loop.index)
    }

    /// Subscribes for the poller that sent a request.
    ///
    /// - Parameter then: is given `nil` where the request was refused.
    static func open(
        for exchange: Exchange, _ session: RawSession, in channel: ChannelName,
        then: @escaping (PollBuffer?) -> Void
    ) -> PollBuffer? {
        let loop = exchange.loop
        let buffer = PollBuffer(loop, channel)
        let admitted = exchange.admit {
            Client(loop: loop, session: .raw(session), transport: buffer, wireFormat: .rawHTTPStream)
        }
        guard let client = admitted else {
            then(nil)
            return nil
        }
        buffer.client = client
        client.opening = ClientOpening { result in
            client.opening = nil
            switch result {
            case .success:
                client.begin(on: nil)
                loop.polls.add(buffer)
                buffer.expect()
                then(buffer)
            case .failure(let error):
                client.finish()
                exchange.refuse(.brokerUnavailable, .serviceUnavailable, "\(error)", retry: true)
                then(nil)
            }
        }
        loop.flushHub()
        loop.shard.subscribe(client, to: channel, request: 0)
        return buffer
    }

    /// The poller comes back.
    ///
    /// - Parameters:
    ///   - poll: names the poll.
    ///   - had: the answers that it has had.
    ///   - wait: microseconds for which it waits for something to come.
    func poll(_ poll: UInt64, had: UInt64, wait: UInt64, _ answer: @escaping Answer) {
        guard isKept, had == answers || had == answers + 1 && isGiven else { return answer(.gone) }
        // One that comes while another waits is the poller's newest: it has given up the other. That is told last, since the
        // connection of the other may have the next poll of this cursor ready.
        let older = waiting?.answer
        waiting = nil
        defer { older?(.nothing) }
        if had > answers { arrived() }
        // What this turn brought counts, too.
        loop.flushHub()
        client?.flushTurn()
        guard isKept else { return answer(.gone) }
        if taken != nil { return give(answer) }
        guard wait > 0 else {
            expect()
            return answer(.nothing)
        }
        waiting = (poll, answer)
        loop.wheel.schedule(self, at: loop.node.clock.monotonicMicroseconds() + wait)
    }

    /// Whether it is there for another poll.
    private var isKept: Bool { client?.isOpen == true }

    /// Nobody waits for that poll's answer any more.
    func leave(_ poll: UInt64) { if waiting?.poll == poll { release() } }

    func deadlineReached(now: UInt64) {
        if waiting != nil { release() } else { client?.lost(.abnormal) }
    }

    /// The poll that waits has its answer: nothing came.
    private func release() {
        guard let answer = waiting?.answer else { return }
        waiting = nil
        expect()
        answer(.nothing)
    }

    /// From now on the poller has so much time to come back.
    private func expect() {
        loop.wheel.schedule(
            self, at: loop.node.clock.monotonicMicroseconds() + loop.node.configuration.limits.pollGap.microseconds)
    }

    private func give(_ answer: Answer) {
        isGiven = true
        expect()
        var bytes = ByteBuffer()
        bytes.reserveCapacity(lines.reduce(0) { $0 + $1.readableBytes })
        for part in lines { bytes.writeImmutableBuffer(part) }
        answer(.lines(bytes))
    }

    /// The poller has had the next answer: what waits behind it takes its place.
    private func arrived() {
        answers += 1
        isGiven = false
        lines = []
        let promise = taken
        taken = nil
        promise?.succeed()
    }
}

/// What the client hands over, as to a connection that takes it when the poller has it.
extension PollBuffer {
    func write(_ part: ByteBuffer, promise: EventLoopPromise<Void>?) {
        rest.append(part)
        if let promise { taken = promise }
    }

    func flush() {
        guard let promise = taken, lines.isEmpty else { return }
        cutLines()
        guard !lines.isEmpty else {
            // A part of one long line: the next part has its end.
            taken = nil
            return promise.succeed()
        }
        guard let answer = waiting?.answer else { return }
        waiting = nil
        give(answer)
    }

    /// Takes all whole lines out of what came.
    private func cutLines() {
        for index in rest.indices.reversed() {
            guard let end = rest[index].readableBytesView.lastIndex(of: 0x0A) else { continue }
            let length = end + 1 - rest[index].readerIndex
            lines = Array(rest[..<index])
            if let last = rest[index].readSlice(length: length) { lines.append(last) }
            rest.removeFirst(rest[index].readableBytes > 0 ? index : index + 1)
            return
        }
    }

    /// Once: the client is gone, and with it what it kept.
    func close() {
        guard client != nil else { return }
        loop.wheel.cancel(self)
        loop.polls.remove(self)
        let (promise, answer) = (taken, waiting?.answer)
        (taken, waiting) = (nil, nil)
        client?.finish()
        client = nil
        promise?.fail(ChannelError.alreadyClosed)
        answer?(.nothing)
    }

    var name: TransportName { .pollCursor }
    func next(now: UInt64) -> Arrival? { nil }
    func turnEnded(now: UInt64) {}
    func seal(_ body: consuming Body) -> ByteBuffer { HTTPStreamFraming().seal(body, at: nil) }
    var ping: ByteBuffer { ByteBuffer() }
    var keepAlive: KeepAliveMode? { nil }
    var hasPeer: Bool { false }
    func setReading(_ isReading: Bool) {}
    func closeOutput() { close() }

    /// Nothing, and it is not asked: the next poll hears that it is over.
    func farewell(_ disconnect: Disconnect, reason: String) -> (bytes: ByteBuffer, then: AfterLastBytes) {
        (ByteBuffer(), .closeSocket)
    }

    func boundary(in bytes: ByteBuffer, from taken: Int) -> Int {
        HTTPStreamFraming().boundary(in: bytes, from: taken)
    }
}
