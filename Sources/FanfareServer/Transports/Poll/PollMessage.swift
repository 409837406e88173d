import FanfareCore
import FanfareWire
import NIOCore

extension ControlCommand {
    /// Asks for what is kept under a poll's cursor.
    static let poll = ControlCommand(rawValue: 16)
    /// A notice: a poll that asked waits no longer.
    static let pollEnded = ControlCommand(rawValue: 17)
}

/// Questions of polls and their answers, as nodes send them.
enum PollMessage {
    private enum Field {
        static let cursor: UInt16 = 1
        static let channel: UInt16 = 2
        static let user: UInt16 = 3
        static let wait: UInt16 = 4
        static let poll: UInt16 = 5
        /// Of an answer: what it is.
        static let reply: UInt16 = 6
        static let expiresAt: UInt16 = 7
    }

    /// What an answer is. A number is never used for anything else.
    private enum Reply {
        static let lines: UInt64 = 1
        static let nothing: UInt64 = 2
        static let gone: UInt64 = 3
    }

    static func fields(_ question: PollQuestion) -> ControlFields {
        var fields = ControlFields()
        fields[text: Field.cursor] = ExactText("\(question.cursor)")
        fields[text: Field.channel] = question.channel.text
        fields[text: Field.user] = question.user
        fields[number: Field.wait] = question.wait
        fields[number: Field.poll] = question.poll
        fields[number: Field.expiresAt] = question.expiresAt.map { UInt64(bitPattern: $0) }
        return fields
    }

    /// Reads a question; `nil` for what is none.
    static func question(_ fields: ControlFields) -> PollQuestion? {
        guard let cursor = fields[text: Field.cursor].flatMap({ PollCursor($0.utf8) }),
            let channel = fields[text: Field.channel].flatMap({ try? ChannelName($0) }),
            let user = fields[text: Field.user], let wait = fields[number: Field.wait],
            let poll = fields[number: Field.poll]
        else { return nil }
        return PollQuestion(
            cursor: cursor, channel: channel, user: user,
            expiresAt: fields[number: Field.expiresAt].map { Int64(bitPattern: $0) },
            wait: min(wait, UInt64(PollQuery.longest.microseconds)),
            poll: poll)
    }

    static func answer(_ reply: PollReply) -> ControlAnswer {
        var fields = ControlFields()
        switch reply {
        case .lines(let lines):
            fields[number: Field.reply] = Reply.lines
            return ControlAnswer(fields: fields, body: lines)
        case .nothing: fields[number: Field.reply] = Reply.nothing
        case .gone: fields[number: Field.reply] = Reply.gone
        case .unavailable: return ControlAnswer(.failed)
        }
        return ControlAnswer(fields: fields)
    }

    /// What an answer of another node, or none, is to a poll. Only where it is known that nothing is kept any more, or that nobody is
    /// there who could, is it gone.
    static func reply(_ result: Result<ControlAnswer, ControlError>) -> PollReply {
        switch result {
        case .success(let answer):
            switch answer.fields[number: Field.reply] {
            case Reply.lines: .lines(answer.body)
            case Reply.nothing: .nothing
            case Reply.gone: .gone
            default: .unavailable
            }
        case .failure(.unknownNode), .failure(.gone), .failure(.refused(.unknownCommand)): .gone
        case .failure: .unavailable
        }
    }
}
