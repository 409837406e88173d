import FanfareCore
import FanfareWire
import NIOCore

extension ControlCommand {
    /// Asks all nodes which of them has a session.
    static let sessionFind = ControlCommand(rawValue: 28)
    /// Asks for what a session says.
    static let sessionReceive = ControlCommand(rawValue: 29)
    /// A notice: a receiver goes.
    static let sessionLeave = ControlCommand(rawValue: 30)
    /// Brings what a client sent in a request of its own; its body is that of the request.
    static let sessionSend = ControlCommand(rawValue: 31)
}

/// What requests ask of sessions, and their answers, as nodes send them.
enum SessionMessage {
    private enum Field {
        static let name: UInt16 = 1
        static let proof: UInt16 = 2
        static let receiver: UInt16 = 3
        static let wait: UInt16 = 4
        /// There: the receiver asks again and again.
        static let stays: UInt16 = 5
        /// There: the client of the receiver went.
        static let aborted: UInt16 = 6
        /// Of an answer: what it is.
        static let reply: UInt16 = 7
        static let code: UInt16 = 8
        static let reason: UInt16 = 9
        static let maxMessages: UInt16 = 10
    }

    /// What an answer is. A number is never used for anything else.
    private enum Reply {
        static let messages: UInt64 = 1
        static let nothing: UInt64 = 2
        static let occupied: UInt64 = 3
        static let ended: UInt64 = 4
        static let gone: UInt64 = 5
        static let taken: UInt64 = 6
        static let full: UInt64 = 7
    }

    /// Microseconds that a receiver waits at most: whatever another node says.
    private static let longestWait: UInt64 = 120_000_000

    static func fields(_ address: SessionAddress) -> ControlFields {
        var fields = ControlFields()
        fields[text: Field.name] = address.name
        fields[Field.proof] = ByteBuffer(bytes: address.proof)
        return fields
    }

    static func fields(_ question: SessionQuestion) -> ControlFields {
        var fields = fields(question.session)
        fields[number: Field.receiver] = question.receiver
        fields[number: Field.wait] = question.wait
        if question.stays { fields[Field.stays] = ByteBuffer() }
        if let most = question.maxMessages { fields[number: Field.maxMessages] = UInt64(most) }
        return fields
    }

    static func leave(_ question: SessionQuestion, aborted: Bool) -> ControlFields {
        var fields = fields(question)
        if aborted { fields[Field.aborted] = ByteBuffer() }
        return fields
    }

    /// Reads an address; `nil` for what is none.
    static func address(_ fields: ControlFields) -> SessionAddress? {
        guard let name = fields[text: Field.name], let proof = fields[Field.proof],
            name.utf8.count <= SessionBounds.nameBytes, proof.readableBytes <= 64
        else { return nil }
        return SessionAddress(name, proof: Array(proof.readableBytesView))
    }

    static func question(_ fields: ControlFields) -> SessionQuestion? {
        guard let session = address(fields), let receiver = fields[number: Field.receiver],
            let wait = fields[number: Field.wait]
        else { return nil }
        var question = SessionQuestion(
            session: session, receiver: receiver, wait: min(wait, longestWait), stays: fields[Field.stays] != nil)
        question.maxMessages = fields[number: Field.maxMessages].map { Int(clamping: max(1, $0)) }
        return question
    }

    static func leave(_ fields: ControlFields) -> (SessionQuestion, aborted: Bool)? {
        question(fields).map { ($0, fields[Field.aborted] != nil) }
    }

    static func answer(_ reply: SessionReply) -> ControlAnswer {
        var fields = ControlFields()
        switch reply {
        case .messages(let bytes) where bytes.readableBytes <= SessionBounds.answerBytes:
            fields[number: Field.reply] = Reply.messages
            return ControlAnswer(fields: fields, body: bytes)
        case .messages:
            // One message above what nodes send each other: it can't be passed over in silence.
            return answer(.ended(code: Disconnect.messageTooBig.code, reason: Disconnect.messageTooBig.reason))
        case .nothing: fields[number: Field.reply] = Reply.nothing
        case .occupied: fields[number: Field.reply] = Reply.occupied
        case .ended(let code, let reason):
            fields[number: Field.reply] = Reply.ended
            fields[number: Field.code] = UInt64(code)
            fields[text: Field.reason] = ExactText(reason)
        case .gone: fields[number: Field.reply] = Reply.gone
        case .unavailable: return ControlAnswer(.busy)
        case .unknown: return ControlAnswer(.failed)
        }
        return ControlAnswer(fields: fields)
    }

    /// Whether an answer is above what nodes send each other: then its session ends with it.
    static func isTooLarge(_ reply: SessionReply) -> Bool {
        guard case .messages(let bytes) = reply else { return false }
        return bytes.readableBytes > SessionBounds.answerBytes
    }

    /// What an answer of another node, or none, is to a receiver. Only where it is known that there is no such session is it gone, and
    /// only where the session was not asked can somebody else be asked.
    static func reply(_ result: Result<ControlAnswer, ControlError>) -> SessionReply {
        switch result {
        case .success(let answer):
            switch answer.fields[number: Field.reply] {
            case Reply.messages: .messages(answer.body)
            case Reply.nothing: .nothing
            case Reply.occupied: .occupied
            case Reply.ended:
                .ended(
                    code: UInt16(truncatingIfNeeded: answer.fields[number: Field.code] ?? 0),
                    reason: answer.fields[text: Field.reason]?.string ?? "")
            case Reply.gone: .gone
            default: .unknown
            }
        case .failure(.unknownNode), .failure(.gone), .failure(.refused(.unknownCommand)): .gone
        case .failure(.unavailable), .failure(.overloaded), .failure(.notYetInView), .failure(.tooLarge),
            .failure(.deaf), .failure(.refused(.busy)):
            .unavailable
        case .failure(.timeout), .failure(.refused): .unknown
        }
    }

    static func answer(_ outcome: SessionOutcome) -> ControlAnswer {
        var fields = ControlFields()
        switch outcome {
        case .taken: fields[number: Field.reply] = Reply.taken
        case .gone: fields[number: Field.reply] = Reply.gone
        case .full: fields[number: Field.reply] = Reply.full
        case .unavailable, .unknown: return ControlAnswer(.failed)
        }
        return ControlAnswer(fields: fields)
    }

    static func outcome(_ result: Result<ControlAnswer, ControlError>) -> SessionOutcome {
        switch result {
        case .success(let answer):
            switch answer.fields[number: Field.reply] {
            case Reply.taken: .taken
            case Reply.gone: .gone
            case Reply.full: .full
            default: .unknown
            }
        case .failure(.unknownNode), .failure(.gone), .failure(.refused(.unknownCommand)): .gone
        // A body that a deaf node did not take may have reached it by a replica of Redis: nobody may bring it again.
        case .failure(.timeout), .failure(.deaf): .unknown
        case .failure: .unavailable
        }
    }
}
