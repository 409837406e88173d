import FanfareWire
import NIOCore

@testable import FanfareCore
@testable import FanfareServer

extension FuzzTarget {
    /// What nodes say to each other: the message, then every reader of what its fields may mean, whatever its command. What is
    /// understood, written again, says the same; what another node chose is within this node's bounds.
    static let control = FuzzTarget(name: "control", maxBytes: 1_024) { input in
        let bytes = input.buffer
        guard let message = ControlMessage(bytes) else { return }
        guard let written = message.encoded() else { fatalError("what was read can't be written") }
        expect(written.readableBytes <= bytes.readableBytes, "written again it is longer")
        expect(ControlMessage(written) == message, "written again it reads otherwise")
        announcement(message)
        polls(message)
        sessions(message)
        commands(message)
    }

    private static func announcement(_ message: ControlMessage) {
        guard let node = ClusterNode(id: message.sender, message.fields, now: 1) else { return }
        expect(max(node.name.utf8.count, node.version.utf8.count) <= ControlBounds.nameBytes, "a long name: \(node)")
        expect(ClusterNode(id: message.sender, node.fields, now: 1) == node, "written again it is another node")
        var view = ClusterView(own: node)
        expect(view.heard(node) == .own, "it is not itself")
    }

    private static func polls(_ message: ControlMessage) {
        if let question = PollMessage.question(message.fields) {
            expect(question.wait <= UInt64(PollQuery.longest.microseconds), "it waits \(question.wait)")
            let again = PollMessage.fields(question)
            expect(PollMessage.question(again).map(PollMessage.fields) == again, "another question")
        }
        let answer = ControlAnswer(message.status, fields: message.fields, body: message.body)
        let reply = PollMessage.answer(PollMessage.reply(.success(answer)))
        expect(
            PollMessage.answer(PollMessage.reply(.success(reply))) == reply || reply.status == .failed,
            "another answer: \(reply)")
    }

    private static func sessions(_ message: ControlMessage) {
        if let address = SessionMessage.address(message.fields) {
            expect(address.name.utf8.count <= SessionBounds.nameBytes && address.proof.count <= 64, "\(address)")
            expect(SessionMessage.address(SessionMessage.fields(address)) == address, "another session")
        }
        if let (question, isAborted) = SessionMessage.leave(message.fields) {
            expect(question.wait <= 120_000_000, "it waits \(question.wait)")
            let again = SessionMessage.leave(question, aborted: isAborted)
            let read = SessionMessage.leave(again).map { SessionMessage.leave($0.0, aborted: $0.aborted) }
            expect(read == again, "another receiver")
        }
        let answer = ControlAnswer(message.status, fields: message.fields, body: message.body)
        let reply = SessionMessage.reply(.success(answer))
        let again = SessionMessage.answer(reply)
        expect(
            again.status != .ok || SessionMessage.reply(.success(again)) == reply || SessionMessage.isTooLarge(reply),
            "\(reply)")
        _ = SessionMessage.outcome(.success(answer))
        if let id = message.fields[1].flatMap({ SessionID($0) }) {
            expect(id.bytes == message.fields[1], "other bytes")
        }
    }

    private static func commands(_ message: ControlMessage) {
        for name in ControlCommand.forClients {
            guard let (command, target) = CommandMessage.read(name, message.fields, message.body) else { continue }
            let again = CommandMessage.write(command, target)
            expect(again.command == name, "another command: \(command)")
            guard let read = CommandMessage.read(again.command, again.fields, again.body) else {
                fatalError("written again it is none: \(command)")
            }
            expect(read.command == command && read.target == target, "another command: \(command), \(read.command)")
            switch command {
            case .disconnect(let disconnect, let reason, let except):
                expect(except.count <= CommandBounds.exceptions, "\(except.count) stay")
                expect((reason ?? "").utf8.count <= ApplicationDisconnect.maximumReasonBytes, "a long reason")
                expect(disconnect.code >= 3_000, "\(disconnect)")
            case .subscribe(let wanted):
                guard let data = wanted.data, data.kind == .text else { break }
                expect(data.bytes.withUnsafeReadableBytes { UTF8Validator.isValid($0) }, "text is not UTF-8")
            case .unsubscribe, .refresh: break
            }
        }
        let count = CommandMessage.count(ControlAnswer(fields: message.fields))
        expect((0...(1 << 32)).contains(count?.done ?? 0) && (0...(1 << 32)).contains(count?.lost ?? 0), "\(message)")
    }
}
