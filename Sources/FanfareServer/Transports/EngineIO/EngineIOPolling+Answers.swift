import FanfareCore
import FanfareWire
import NIOCore

/// What the client hands over, as to a connection that takes it when a poll comes.
extension EngineIOPolling {
    func write(_ part: ByteBuffer, promise: EventLoopPromise<Void>?) {
        frames.append(part)
        if let promise { taken = promise }
    }

    func flush() {
        if machine.delivers, waiting != nil, !isGathering { awaitTurn() }
    }

    /// Nobody is answered in the midst of the hub's fan-out: a connection that has its answer goes on with its next request.
    func awaitTurn() {
        guard !isTurnAwaited else { return }
        isTurnAwaited = true
        loop.turns.add(self)
    }

    func takeTurn() {
        isTurnAwaited = false
        let answers = owed
        owed = []
        for answer in answers { answer() }
        deliver()
    }

    func deliver() {
        guard machine.delivers, waiting != nil, !isGathering else { return }
        let whole = gather()
        guard waiting != nil, whole.readableBytes > 0 else { return }
        let limit = machine.asker == nil ? Int.max : SessionBounds.answerBytes
        guard let answer = frames.keepRest(of: whole, maxBytes: limit, maxPackets: maxPackets) else {
            answerWaiting(EngineIOFrames.close)
            client?.lost(.messageTooBig)
            return
        }
        // What is left is for the next poll, and its promise with it.
        guard answer.readableBytes == whole.readableBytes else { return answerWaiting(answer) }
        // The last promise of a client that ends is kept when the poll has its end.
        let promise = taken
        taken = nil
        answerWaiting(answer)
        promise?.succeed()
    }

    /// Takes what was handed over, and what waits behind it as far as some 64 KiB, or to the end of a longer message, or as many packets
    /// as the poll can take; the last promise is not kept where something is too much.
    private func gather() -> ByteBuffer {
        isGathering = true
        defer { isGathering = false }
        var whole = ByteBuffer()
        while true {
            if let more = frames.takeWhole() { whole.writeImmutableBuffer(more) }
            guard whole.readableBytes == 0 || client?.isOpen == true, whole.readableBytes < Outbox.chunkBytes,
                maxPackets == .max || EngineIOPayload.whole(whole, maxPackets: maxPackets) == whole.readableBytes,
                let promise = taken
            else { return whole }
            taken = nil
            promise.succeed()
        }
    }
}
