import FanfareCore
import FanfareWire
import NIOCore
import Testing

@testable import FanfareServer

@Suite("Commands for clients, as nodes send them")
struct CommandMessageTests {
    private let id = ClientID.make(node: .random(), loop: 3)

    private func commands() throws -> [ClientCommand] {
        let channel = try ChannelName("news:ü")
        let application = try #require(ApplicationDisconnect(code: 4_500, reason: "banned, for good"))
        return [
            .subscribe(CommandedSubscription(channel: channel)),
            .subscribe(
                CommandedSubscription(
                    channel: channel, info: ByteBuffer(string: #"{"a":[1,"ü"]}"#), data: Payload(text: "null"),
                    expiresAt: .max, since: StreamPosition(offset: .max, epoch: ""))),
            .subscribe(
                CommandedSubscription(
                    channel: channel, data: Payload(kind: .binary, bytes: ByteBuffer(bytes: [0, 255])), expiresAt: -1)),
            .unsubscribe(channel),
            .disconnect(.forced, reason: "force disconnect"), .disconnect(.forcedReconnect, reason: "now"),
            .disconnect(.expired, reason: "connection expired"),
            .disconnect(.application(application), reason: "banned, for good", except: [id, id]),
            .refresh(expiresAt: nil), .refresh(expiresAt: 1, info: ByteBuffer(string: "7")),
        ]
    }

    @Test("each arrives as it was sent, for whom it was sent")
    func roundTrip() throws {
        let targets = try [(nil, id), ("42", nil), ("42", id)].map { try #require(CommandTarget(user: $0, client: $1)) }
        for command in try commands() {
            for target in targets {
                let (name, fields, body) = CommandMessage.write(command, target)
                #expect(ControlCommand.forClients.contains(name))
                let read = try #require(CommandMessage.read(name, fields, body), "\(command)")
                #expect(read.command == command && read.target == target, "\(command)")
            }
        }
        #expect(CommandTarget(user: "", client: nil) == nil)
    }

    @Test("what is for nobody, has no channel, or would break what clients read is none")
    func broken() throws {
        let target = try #require(CommandTarget(user: "42", client: nil))
        for command in try commands() {
            let (name, fields, body) = CommandMessage.write(command, target)
            for id in 1...11 as ClosedRange<UInt16> {
                var nothing = fields
                nothing[id] = ByteBuffer()
                _ = CommandMessage.read(name, nothing, body)
            }
            var nobody = fields
            nobody[1] = nil
            #expect(CommandMessage.read(name, nobody, body) == nil)
            nobody[2] = ByteBuffer(string: "no client id")
            #expect(CommandMessage.read(name, nobody, body) == nil)
        }
        let (name, fields, _) = CommandMessage.write(.refresh(expiresAt: nil, info: ByteBuffer(string: "1")), target)
        for info in [
            "{", "1,2", "\u{1}", String(repeating: "[", count: 99), #""\#(String(repeating: "x", count: 5_000))""#,
        ] {
            var broken = fields
            broken[4] = ByteBuffer(string: info)
            #expect(CommandMessage.read(name, broken, ByteBuffer()) == nil, "\(info.prefix(9))")
        }
        let (end, codes, _) = CommandMessage.write(.disconnect(.forced), target)
        for code in [0, 1_000, 3_008, 3_500, 5_000, .max] as [UInt64] {
            var broken = codes
            broken[number: 9] = code
            #expect(CommandMessage.read(end, broken, ByteBuffer()) == nil, "\(code)")
        }
    }

    @Test("answers add up whatever they say, and what is no answer counts as none")
    func answers() {
        let count = CommandCount(done: 1, full: 2, failed: 3, lost: 4)
        #expect(CommandMessage.count(CommandMessage.answer(count)) == count)
        #expect(
            CommandMessage.count(ControlAnswer(.busy)) == nil && CommandMessage.count(ControlAnswer()) == CommandCount()
        )
        var fields = ControlFields()
        for id in 12...15 as ClosedRange<UInt16> { fields[number: id] = .max }
        var sum = CommandCount()
        for _ in 0..<ControlBounds.nodes {
            sum += CommandMessage.count(ControlAnswer(fields: fields)) ?? CommandCount()
        }
        #expect(sum.done > 0 && sum.failed == sum.done && sum.lost == sum.done)
    }
}
