import FanfareCore
import FanfareWire
import NIOCore
import Synchronization

/// Brings messages that clients send in requests of their own to their sessions: on this node through the event loop's mailbox,
/// to others over the control bus. A session's id says where it is, so nobody has a list. Any thread.
///
/// Messages of one session stay in the order in which one node got them; requests that overtake each other on their way to the
/// nodes are not put back in order, for nothing in them says which was first.
final class EmulationRelay: Sendable {
    private struct State {
        var loops: [Int: Mailbox<EmulatedMessage>] = [:]
        var bus: ControlBus?
        var underWay = EmulationRequests()
    }

    private let node: NodeID
    private let metrics: NodeMetrics
    private let state = Mutex(State())

    init(node: NodeID, metrics: NodeMetrics) {
        self.node = node
        self.metrics = metrics
    }

    func add(_ mailbox: Mailbox<EmulatedMessage>, loop: Int) { state.withLock { $0.loops[loop] = mailbox } }

    /// Before the bus is started: from then on other nodes may send.
    func connect(_ bus: ControlBus) {
        state.withLock { $0.bus = bus }
        bus.handle(.emulate) { [weak self] request, answer in
            guard let self, let session = request.fields[Field.session].flatMap({ SessionID($0) }) else {
                return answer(ControlAnswer(.failed))
            }
            let kind: Payload.Kind = request.fields[Field.binary] == nil ? .text : .binary
            // As in a message that a client sent itself.
            guard kind == .binary || request.body.withUnsafeReadableBytes({ UTF8Validator.isValid($0) }) else {
                return answer(ControlAnswer(.failed))
            }
            post(
                EmulatedMessage(session: session, payload: Payload(kind: kind, bytes: request.body)) {
                    answer(ControlAnswer($0 == .taken ? .ok : $0 == .full ? .busy : .failed))
                })
        }
    }

    /// Brings a message to its session, wherever that is, and answers.
    func send(_ message: EmulatedMessage) {
        if message.session.client.node == node { post(message) } else { forward(message) }
    }

    /// To an event loop of this node.
    private func post(_ message: EmulatedMessage) {
        let client = message.session.client
        guard client.node == node, let loop = state.withLock({ $0.loops[client.loop] }) else {
            return message.answer(.gone)
        }
        let weight = message.payload.bytes.readableBytes + EmulationBounds.overhead
        guard loop.post(contentsOf: [message], weight: weight, limit: EmulationBounds.loopBytes) else {
            return message.answer(.full)
        }
    }

    /// To another node.
    private func forward(_ message: EmulatedMessage) {
        guard let bus = state.withLock(\.bus), let isSeen = bus.sees(message.session.client.node) else {
            return message.answer(.notYet)
        }
        guard isSeen else { return message.answer(.gone) }
        let bytes = message.payload.bytes.readableBytes
        guard state.withLock({ $0.underWay.begin(message.session, bytes: bytes) }) else { return message.answer(.full) }
        metrics.shared.addShared(.emulationForwarded)
        var fields = ControlFields()
        fields[Field.session] = message.session.bytes
        if message.payload.kind == .binary { fields[Field.binary] = ByteBuffer() }
        bus.request(
            .emulate, fields: fields, body: message.payload.bytes, to: message.session.client.node,
            within: EmulationBounds.answerTime
        ) { [self] result in finish(message, Self.outcome(result)) }
    }

    private func finish(_ message: EmulatedMessage, _ outcome: EmulatedMessage.Outcome) {
        state.withLock { $0.underWay.end(message.session, bytes: message.payload.bytes.readableBytes) }
        message.answer(outcome)
    }

    private static func outcome(_ result: Result<ControlAnswer, ControlError>) -> EmulatedMessage.Outcome {
        switch result {
        case .success: .taken
        // A node that has no such command has no such session either.
        case .failure(.refused(.failed)), .failure(.refused(.unknownCommand)), .failure(.unknownNode), .failure(.gone):
            .gone
        case .failure(.notYetInView): .notYet
        case .failure(.refused), .failure(.overloaded): .full
        case .failure(.tooLarge): .tooLarge
        case .failure(.unavailable), .failure(.deaf): .unreachable
        case .failure(.timeout): .unknown
        }
    }

    /// Of the command ``ControlCommand/emulate``; its body is the message.
    enum Field {
        static let session: UInt16 = 1
        /// There: the message is binary.
        static let binary: UInt16 = 2
    }
}
