import FanfareTestKit
import NIOCore
import Testing

@testable import FanfareProtocols
@testable import FanfareWire

/// What clients send that is unusual, hostile or half broken.
@Suite("Centrifuge Protobuf from clients")
struct CentrifugeProtobufDecodingTests {
    private func decode(_ bytes: String, subscriptions: Int = 4) throws(CentrifugeDecodeError) -> CentrifugeCommand {
        try CentrifugeProtobufDecoder.command(
            ByteBuffer(bytes: Hexadecimal.bytes(bytes)), maxSubscriptions: subscriptions)
    }

    private func message(_ bytes: String, max: Int = 8) throws(CentrifugeDecodeError) -> CentrifugeProtobufMessage {
        try CentrifugeProtobufMessage(ByteBuffer(bytes: Hexadecimal.bytes(bytes)), maxCommands: max)
    }

    @Test("commands of one message are begun one by one, and one that is cut off is an error in its turn")
    func parts() throws {
        var message = try message("00" + "0408085a00" + "05080a")
        #expect(message.count == 3)
        #expect(try message.next() == CentrifugeCommand(id: 0, method: .pong))
        #expect(try message.next() == CentrifugeCommand(id: 8, method: .ping))
        #expect(message.count == 1)
        #expect(throws: CentrifugeDecodeError.notAMessage) { try message.next() }
    }

    @Test("a message has commands, and no more than it may")
    func counts() throws {
        #expect(throws: CentrifugeDecodeError.notAMessage) { try message("") }
        #expect(try message("0000", max: 2).count == 2)
        #expect(throws: CentrifugeDecodeError.tooManyCommands(limit: 2)) { try message("000000", max: 2) }
        // What follows a length that can't be right is not looked at.
        #expect(try message("ffffffffffffffffffff01" + String(repeating: "00", count: 100), max: 2).count == 1)
    }

    @Test(
        "what is no command is refused with its reason",
        arguments: [
            ("0801", .methods(count: 0)), ("08085a005a00", .methods(count: 2)),
            ("080832005a00", .methods(count: 2)), ("5a00", .field("id")), ("08005a00", .field("id")),
            ("0a01315a00", .field("id")), ("088080808010" + "5a00", .field("id")), ("08085801", .field("ping")),
            ("080132020801", .field("channel")), ("080132030a01ff", .field("channel")),
            ("080172020801", .field("token")), ("080122020801", .field("token")), ("080122030a01ff", .field("token")),
            ("08012205" + "1a030a01ff", .field("subs")), ("080122021801", .field("subs")),
            ("08012a02" + "1a00", .field("recover")), ("08012a02" + "3a00", .field("offset")),
            ("08012a03" + "3201ff", .field("epoch")), ("08013a02" + "1001", .field("data")),
            ("08015206" + "388080808008", .field("limit")), ("080152024001", .field("since")),
            ("08015206" + "42040a020801", .field("offset")), ("08014b", .notAMessage), ("08014a", .notAMessage),
            ("08014a0208", .notAMessage), ("08014a0108", .notAMessage), ("08014a020a05", .notAMessage),
        ] as [(String, CentrifugeDecodeError)])
    func refusals(bytes: String, error: CentrifugeDecodeError) {
        #expect(throws: error) { try decode(bytes) }
    }

    @Test("fields that nobody knows are passed over, wherever they are and whatever they hold")
    func unknown() throws {
        let unknown = "a2060308ffff" + "a80601" + "b1060000000000000000"
        #expect(try decode(unknown) == CentrifugeCommand(id: 0, method: .pong))
        #expect(
            try decode(unknown + "0807" + "2a1d" + "a20600" + "0a0163" + "70017801" + unknown)
                == CentrifugeCommand(id: 7, method: .subscribe(channel: "c")))
    }

    @Test("of a field that comes twice the last counts, and a message that comes twice is one")
    func twice() throws {
        let since = "4202" + "0805" + "4203" + "120165" + "4202" + "0807"
        #expect(
            try decode("0801" + "0802" + "5213" + "0a0161" + "0a0162" + since)
                == CentrifugeCommand(
                    id: 2,
                    method: .history(CentrifugeHistory(channel: "b", since: StreamPosition(offset: 7, epoch: "e")))))
    }

    @Test("an epoch that is none of ours is not kept, whatever it is")
    func epoch() throws {
        for text in ["not an epoch", String(repeating: "x", count: 16), "é"] {
            var request = ByteBuffer()
            request.writeProtobuf(CentrifugeFields.Reply.id, 1 as UInt32)
            request.writeProtobuf(CentrifugeFields.Result.connect) {
                $0.writeProtobuf(CentrifugeFields.Subscribe.epoch, text)
            }
            let command = try CentrifugeProtobufDecoder.command(request, maxSubscriptions: 1)
            #expect(
                command.method
                    == .subscribe(CentrifugeSubscribe(channel: "", position: StreamPosition(offset: 0, epoch: "?"))))
        }
    }

    @Test("connect names as many channels as a client may have, and no more")
    func subscriptions() throws {
        func bytes(_ count: Int) -> ByteBuffer {
            var command = ByteBuffer()
            command.writeProtobuf(CentrifugeFields.Command.id, 1 as UInt32)
            command.writeProtobuf(CentrifugeFields.Reply.push) { buffer in
                for number in 0..<count {
                    CentrifugeProtobufEncoder.writeEntry(
                        CentrifugeFields.Connect.subscriptions, "c\(number)", about: 0, into: &buffer
                    ) { $0.writeProtobuf(CentrifugeFields.Subscribe.offset, UInt64(number)) }
                }
            }
            return command
        }
        guard
            case .connect(let request) = try CentrifugeProtobufDecoder.command(bytes(128), maxSubscriptions: 128)
                .method
        else {
            Issue.record("no connect")
            return
        }
        #expect(request.subscriptions.map(\.channel.string) == (0..<128).map { "c\($0)" })
        #expect(request.subscriptions.map(\.position.offset) == Array(0..<128))
        #expect(throws: CentrifugeDecodeError.field("subs")) {
            try CentrifugeProtobufDecoder.command(bytes(129), maxSubscriptions: 128)
        }
    }

    @Test("no part of a command has more fields than any needs: each costs something")
    func fields() throws {
        let many = String(repeating: "1801", count: 63)
        #expect(try decode("0801" + many.dropLast(4) + "5a00").method == .ping)
        #expect(throws: CentrifugeDecodeError.tooManyFields(limit: 64)) { try decode("0801" + many + "5a00") }
        #expect(throws: CentrifugeDecodeError.tooManyFields(limit: 64)) {
            try decode("0801" + "328201" + many + "1801" + "1801")
        }
    }

    @Test("a command that is cut anywhere is refused", arguments: 1..<30)
    func cut(length: Int) throws {
        let whole = Hexadecimal.bytes("1d08ac022a180a06636861743a311203746f6b1801320178380548015001")
        var message = try CentrifugeProtobufMessage(ByteBuffer(bytes: whole.prefix(length)), maxCommands: 1)
        #expect(message.count == 1)
        #expect(throws: CentrifugeDecodeError.notAMessage) { try message.next() }
    }
}
