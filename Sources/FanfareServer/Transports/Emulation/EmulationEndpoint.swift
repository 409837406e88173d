import FanfareCore
import FanfareWire
import HTTPTypes
import NIOCore

/// `POST /emulation`: what a client says whose connection only hears, on any node. Answers when the session has it; what the
/// session says to it comes on the stream.
struct EmulationEndpoint: Endpoint {
    func body(of exchange: Exchange) -> BodyUse? {
        .kept(limit: exchange.limits.maxMessageBytes)
    }

    func respond(to exchange: Exchange, _ body: ByteBuffer) {
        // Whoever makes up sessions would have all nodes look for them. What reaches one is no attempt.
        guard exchange.mayTry() else { return }
        guard let request = EmulationRequest(body, isProtobuf: exchange.bringsProtobuf) else {
            return exchange.refuse(
                .badRequest, .badRequest,
                "the body must be an object with the texts `session` and `data`, or an EmulationRequest in Protobuf")
        }
        guard let session = SessionID(request.session) else { return Self.answer(exchange, .gone) }
        let eventLoop = exchange.loop.eventLoop
        let bound = NIOLoopBound(exchange, eventLoop: eventLoop)
        exchange.loop.node.emulation.send(
            EmulatedMessage(session: session, payload: request.data) { outcome in
                eventLoop.execute { Self.answer(bound.value, outcome) }
            })
    }

    private static func answer(_ exchange: Exchange, _ outcome: EmulatedMessage.Outcome) {
        switch outcome {
        case .taken:
            exchange.hasTried()
            exchange.answer(.noContent)
        case .gone: exchange.refuse(.noSession, .notFound, "no such session: it has ended, or never was")
        case .notYet:
            // It may be nobody's session, so it was a try.
            exchange.refuse(
                .brokerUnavailable, .serviceUnavailable, "\(ControlError.notYetInView): nothing was done, try again",
                fields: [.fanfareOutcome: "not_published"], retry: true)
        case .full:
            exchange.refuse(
                .emulationLimit, .tooManyRequests, "too much waits for this session, try again", retry: true)
        case .tooLarge: exchange.refuse(.badRequest, .contentTooLarge, "the data is above what nodes send each other")
        case .unreachable:
            exchange.hasTried()
            exchange.refuse(
                .brokerUnavailable, .serviceUnavailable, "the session's node can't be reached: nothing was done",
                fields: [.fanfareOutcome: "not_published"], retry: true)
        case .unknown:
            // That it was nobody's session can't be ruled out, and it was waited for.
            exchange.refuse(
                .brokerUnavailable, .serviceUnavailable, "the session's node did not answer: it may have been done",
                fields: [.fanfareOutcome: "unknown"], retry: true)
        }
    }
}
