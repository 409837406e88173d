import FanfareCore
import NIOCore
import NIOHTTP1

/// Requests that came together: each is answered before the next is begun, and after a turn's work the other sockets of the
/// event loop have theirs. The answers of a turn leave in one write.
extension HTTPConnection: TurnTaker {
    /// What the decoder made of the bytes.
    enum Arrival {
        case part(HTTPServerRequestPart)
        /// From here on nobody knows where a request begins.
        case failure(HTTPParserError)
    }

    /// Whether the socket may be read.
    var takesMore: Bool {
        switch state {
        case .idle, .receiving: !isTurnOver && arrivals.isEmpty && gate?.isHolding != true
        case .answering: false
        // What comes now is thrown away, so that our close does not become a reset that eats the last answer.
        case .done: true
        }
    }

    /// The gate has bytes from the socket: the others had their turn.
    func bytesCame() {
        if !isTurnOver { turn = Turn() }
        advance()
    }

    func takeTurn() {
        guard isTurnOver else { return }
        isTurnOver = false
        turn = Turn()
        switch state {
        case .idle, .receiving: startWaiting()
        case .answering, .done: break
        }
        goOn()
    }

    /// Goes on outside a read of the socket: after an answer that took its time, or at the next turn.
    func goOn() {
        guard !isAdvancing else { return }
        advance()
        flushAnswers()
        if takesMore { gate?.readOn() }
    }

    /// Handles what has come, as far as one turn goes, or until an answer has to be waited for.
    func advance() {
        guard !isAdvancing else { return }
        isAdvancing = true
        defer { isAdvancing = false }
        while mayAdvance() {
            guard let arrival = arrivals.popFirst() else {
                guard gate?.passOn() == true else { return }
                continue
            }
            switch arrival {
            case .part(let part): received(part)
            case .failure(HTTPParserError.headerOverflow):
                refuse(.badRequest, .requestHeaderFieldsTooLarge, "the request's target or headers are above the limit")
            case .failure: refuse(.badRequest, .badRequest, "not a valid HTTP/1.1 request")
            }
        }
    }

    private func mayAdvance() -> Bool {
        switch state {
        case .done:
            arrivals.removeAll()
            gate?.clear()
            return false
        case .answering: return false
        // A client that does not take its answers gets no more of them.
        case .idle where context?.channel.isWritable != true: return false
        case .idle, .receiving: break
        }
        guard !isTurnOver, turn.isOver, !arrivals.isEmpty || gate?.isHolding == true else { return !isTurnOver }
        isTurnOver = true
        // It waits for us now, not we for it.
        stopWaiting()
        loop.turns.add(self)
        return false
    }
}
