import FanfareTestKit
import FanfareWire
import Foundation
import NIOCore
import Testing

@testable import FanfareCore
@testable import FanfareServer

/// What nodes of an earlier commit said to each other is understood for ever, and said in the same bytes. A number that changes where
/// it is written and where it is read would pass every other test.
@Suite("Recorded messages between nodes")
struct RecordedControlTests {
    private static let client = ClientID(ExactText("d092e800-94f1-6907-03fd-88c553b545c5"))

    /// The lines of `control.txt` by name. Before each message stands the envelope of a numbered publication, 23 bytes.
    private static func messages() throws -> [String: ByteBuffer] {
        let path = Repository.path + "/Tests/FanfareRedisTests/Recorded/7061dea/control.txt"
        var messages: [String: ByteBuffer] = [:]
        for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
            let words = line.split(separator: " ")
            messages["\(words[0])"] = ByteBuffer(bytes: Hexadecimal.bytes(words[2]).dropFirst(23))
        }
        return messages
    }

    private static func message(_ name: String) throws -> ControlMessage {
        let bytes = try #require(try messages()[name], "\(name)")
        return try #require(ControlMessage(bytes), "\(name)")
    }

    private static func answer(_ name: String) throws -> ControlAnswer {
        let message = try message(name)
        #expect(message.kind == .answer)
        return ControlAnswer(message.status, fields: message.fields, body: message.body)
    }

    @Test("each is read, and written again as it was")
    func all() throws {
        let messages = try Self.messages()
        #expect(messages.count == 45)
        for (name, bytes) in messages {
            let message = try #require(ControlMessage(bytes), "\(name)")
            #expect(message.encoded() == bytes, "\(name)")
            #expect(message.kind == .request || !name.contains("-request"), "\(name)")
            #expect(message.kind == .answer || !name.contains("-answer"), "\(name)")
            #expect(message.kind == .notice || !name.contains("-notice"), "\(name)")
        }
    }

    @Test("announcements and farewells")
    func announcements() throws {
        let message = try Self.message("announce-notice")
        #expect(message.command == .announce)
        let node = try #require(ClusterNode(id: message.sender, message.fields, now: 0))
        #expect(node.name == "vm" && node.version == "0.1.0" && node.startedAt > 1_795_000_000_000_000)
        #expect(try Self.message("leave-notice").command == .leave)
        // The first one says more: that its node is new.
        #expect(node.fields != ControlFields() && message.fields[3] == node.fields[3])
    }

    @Test("what a client sent in a request for its session")
    func emulation() throws {
        let message = try Self.message("emulate-request")
        #expect(message.command == .emulate)
        let session = message.fields[EmulationRelay.Field.session].flatMap { SessionID($0) }
        #expect(session?.client == Self.client && session?.bytes == message.fields[1])
        #expect(message.fields[EmulationRelay.Field.binary] == nil)
        #expect(message.body == ByteBuffer(string: #"{"id": 2, "subscribe": {"channel": "i:a"}}"#))
        #expect(try Self.answer("emulate-answer") == ControlAnswer())
    }

    @Test("polls of cursors, and their answers")
    func polls() throws {
        for (name, answers, wait) in [
            ("poll-request", 0, 0), ("poll-request-2", 0, 5_000_000), ("poll-request-3", 1, 5_000_000),
            ("poll-ended-notice", 1, 5_000_000),
        ] {
            let message = try Self.message(name)
            #expect(message.command == (name == "poll-ended-notice" ? .pollEnded : .poll))
            let question = try #require(PollMessage.question(message.fields), "\(name)")
            #expect("\(question.cursor)" == "d092e800-8a6f-1722-0549-65e3e2562440.\(answers)")
            #expect(question.channel.string == "lobby" && question.user.isEmpty && question.expiresAt == .max)
            #expect(question.wait == wait && question.poll != 0)
            #expect(PollMessage.fields(question) == message.fields, "\(name)")
        }
        let first = try #require(PollMessage.question(try Self.message("poll-request-3").fields))
        #expect(first.poll == PollMessage.question(try Self.message("poll-ended-notice").fields)?.poll)
        let replies = try ["poll-answer", "poll-answer-2", "poll-answer-4"].map { name in
            let answer = try Self.answer(name)
            let reply = PollMessage.reply(.success(answer))
            #expect(PollMessage.answer(reply) == answer)
            return "\(reply)"
        }
        #expect(replies[0] == "nothing" && replies[1].hasPrefix("lines(") && replies[2] == "gone", "\(replies)")
        #expect(try Self.answer("poll-answer-2").body == ByteBuffer(string: "{\"data\":\"hello\"}\n"))
    }

    @Test("requests of sessions, and their answers")
    func sessions() throws {
        let find = try Self.message("session-find-request")
        #expect(find.command == .sessionFind)
        let address = try #require(SessionMessage.address(find.fields))
        #expect(address.name == "sockjs/recorded1/channels/room" && address.proof.isEmpty)
        #expect(SessionMessage.fields(address) == find.fields)
        #expect(
            try Set((1...4).map { try Self.answer("session-find-answer" + ($0 == 1 ? "" : "-\($0)")).status })
                == [.ok, .failed])
        let receive = try Self.message("session-receive-request")
        #expect(receive.command == .sessionReceive)
        let question = try #require(SessionMessage.question(receive.fields))
        #expect(question.session == address && question.receiver != 0 && !question.stays)
        #expect((20_000_000...26_000_000).contains(question.wait))
        #expect(SessionMessage.fields(question) == receive.fields)
        let leave = try Self.message("session-leave-notice")
        #expect(leave.command == .sessionLeave)
        let left = try #require(SessionMessage.leave(leave.fields))
        #expect(left.0.session == address && left.aborted)
        #expect(SessionMessage.leave(left.0, aborted: true) == leave.fields)
        let send = try Self.message("session-send-request")
        #expect(send.command == .sessionSend && SessionMessage.address(send.fields) == address)
        #expect(send.body == ByteBuffer(string: #"["hi"]"#))

        #expect(SessionMessage.outcome(.success(try Self.answer("session-send-answer"))) == .taken)
        for (name, reply) in [
            ("session-receive-answer", SessionReply.messages(ByteBuffer(string: "\"hi\"\n"))),
            ("session-receive-answer-2", .ended(code: 1_002, reason: "Connection interrupted")),
        ] {
            let answer = try Self.answer(name)
            #expect(SessionMessage.reply(.success(answer)) == reply && SessionMessage.answer(reply) == answer)
        }
        #expect(SessionMessage.answer(SessionOutcome.taken) == (try Self.answer("session-send-answer")))
    }

    @Test("commands for clients, and their answers")
    func commands() throws {
        let client = try #require(Self.client)
        let application = try #require(ApplicationDisconnect(code: 4_500, reason: "banned é"))
        let (ann, year2100) = (ExactText("ann"), Int64(4_102_444_800))
        let commands: [(String, ClientCommand, CommandTarget?)] = [
            (
                "subscribe-request",
                .subscribe(
                    CommandedSubscription(
                        channel: try ChannelName("h:a"), info: ByteBuffer(string: "[7]"),
                        data: Payload(text: #"{"hi": 1}"#), expiresAt: year2100,
                        since: StreamPosition(offset: 1, epoch: "abcd"))),
                CommandTarget(user: ann, client: nil)
            ),
            (
                "subscribe-request-2",
                .subscribe(
                    CommandedSubscription(
                        channel: try ChannelName("plain"),
                        data: Payload(kind: .binary, bytes: ByteBuffer(bytes: [255, 0])))),
                CommandTarget(user: ann, client: client)
            ),
            ("unsubscribe-request", .unsubscribe(try ChannelName("plain")), CommandTarget(user: ann, client: nil)),
            (
                "refresh-request", .refresh(expiresAt: year2100, info: ByteBuffer(string: #"{"n": 1}"#)),
                CommandTarget(user: ann, client: nil)
            ),
            (
                "disconnect-request", .disconnect(.application(application), reason: "banned é", except: [client]),
                CommandTarget(user: "bob", client: nil)
            ),
            (
                "disconnect-request-2", .disconnect(.forced, reason: "force disconnect"),
                CommandTarget(user: nil, client: client)
            ),
        ]
        for (name, command, target) in commands {
            let message = try Self.message(name)
            let read = try #require(CommandMessage.read(message.command, message.fields, message.body), "\(name)")
            #expect(read.command == command && read.target == target, "\(name): \(read)")
            let again = CommandMessage.write(command, read.target)
            #expect(again.command == message.command && again.fields == message.fields, "\(name)")
            #expect(again.body == message.body, "\(name)")
        }
        for (name, count) in [
            ("subscribe-answer", CommandCount()), ("subscribe-answer-2", CommandCount(done: 1, lost: 1)),
            ("disconnect-answer-3", CommandCount(done: 1)),
        ] {
            let answer = try Self.answer(name)
            #expect(CommandMessage.count(answer) == count && CommandMessage.answer(count) == answer, "\(name)")
        }
    }
}
