import FanfareWire
import NIOCore
import Testing

@testable import FanfareProtocols

@Suite("Socket.IO packets")
struct SocketIOPacketTests {
    private func read(_ text: String, limit: Int = 10) throws(SocketIOPacketError) -> SocketIOPacket {
        try SocketIOPacket(ByteBuffer(string: text), maxAttachments: limit)
    }

    private func problem(_ text: String, limit: Int = 10) -> SocketIOPacketError? {
        do throws(SocketIOPacketError) {
            _ = try read(text, limit: limit)
            return nil
        } catch {
            return error
        }
    }

    @Test("a handshake has a namespace and an object, or neither")
    func connect() throws {
        #expect(try read("0").namespace == "/")
        #expect(try read("0").content == .connect(auth: nil))
        #expect(try read("0{\"token\":\"x\"}").content == .connect(auth: ByteBuffer(string: "{\"token\":\"x\"}")))
        #expect(try read("0/chat,{}").namespace == "/chat")
        // The comma may be missing where nothing follows.
        #expect(try read("0/chat").namespace == "/chat")
        #expect(try read("1/chat").content == .disconnect)
        #expect(try read("1/chat,").namespace == "/chat")
        // A query is nothing special.
        #expect(try read("0/chat?a=1,").namespace == "/chat?a=1")
    }

    @Test(
        "the object of a handshake is no array, scalar or null",
        arguments: ["0[]", "0\"a\"", "01", "0null", "0{", "0{}x"])
    func auth(_ text: String) {
        // `01` is a handshake with an id, as for the reference.
        #expect(text == "01" ? problem(text) == nil : problem(text) != nil)
    }

    @Test("an event has a name, arguments, and an id where its sender wants an answer")
    func event() throws {
        let packet = try read("2/chat,12[\"publish\",\"room\",{\"a\":[1,2]}]")
        #expect(packet.namespace == "/chat" && packet.id == 12)
        guard case .event(let event) = packet.content else {
            Issue.record("no event: \(packet)")
            return
        }
        #expect(event.name == "publish")
        #expect(event.arguments.map { String(buffer: $0.bytes) } == ["\"room\"", "{\"a\":[1,2]}"])
        guard case .event(let numbered) = try read("2[7,1,2,3]").content else {
            Issue.record("a name may be a number")
            return
        }
        #expect(numbered.name == nil && numbered.arguments.count == SocketIOBounds.arguments)
    }

    @Test(
        "what is no packet is none",
        arguments: [
            "", "7", "a", "2", "2{}", "2[]", "2[\"a\"", "2[\"a\"]x", "2[{}]", "2[null]", "2[true]", "2-1[\"a\"]",
            "2x[\"a\"]",
            "2[\"connect\"]", "2[\"connect_error\"]", "2[\"disconnect\"]", "2[\"disconnecting\"]", "2[\"newListener\"]",
            "2[\"removeListener\"]", "2[\"conn\\u0065ct\"]", "1{}", "1[]", "3{}", "3", "4{}", "4", "5[\"a\"]",
            "5-[\"a\"]",
            "5x-[\"a\"]", "51[\"a\"]", "61-{}",
        ])
    func invalid(_ text: String) {
        #expect(problem(text) != nil, "\(text)")
    }

    @Test("an id has at most fifteen digits")
    func ids() throws {
        #expect(try read("2999999999999999[\"a\"]").id == 999_999_999_999_999)
        #expect(problem("21000000000000000[\"a\"]") == .id)
    }

    @Test("a namespace has at most 256 bytes")
    func namespaces() {
        #expect(problem("0/" + String(repeating: "a", count: 255)) == nil)
        #expect(problem("0/" + String(repeating: "a", count: 256)) == .namespace)
    }

    @Test("a packet has as many attachments as it says, and no more than it may")
    func attachments() throws {
        let one = "[\"a\",{\"_placeholder\":true,\"num\":0}]"
        #expect(try read("51-" + one).attachments == 1)
        #expect(try read("510-" + one).attachments == 10)
        #expect(problem("511-" + one) == .tooManyAttachments(limit: 10))
        #expect(problem("51-" + one, limit: 0) == .tooManyAttachments(limit: 0))
        #expect(problem("5999999-" + one) == .attachments)
        // Complete as it is: nothing follows.
        #expect(try read("50-[\"a\"]").attachments == 0)
        #expect(try read("61-3" + one).content == .ack)
    }

    @Test(
        "a placeholder stands for one of the packet's attachments",
        arguments: [
            "[\"a\",{\"_placeholder\":true,\"num\":1}]", "[\"a\",{\"_placeholder\":true,\"num\":-1}]",
            "[\"a\",{\"_placeholder\":true,\"num\":\"0\"}]", "[\"a\",{\"_placeholder\":true}]",
            "[\"a\",{\"b\":[{\"_placeholder\":true,\"num\":99999999}]}]",
            "[\"a\",{\"x\":1,\"_placeholder\":true,\"num\":0}]",
            "[\"a\",{\"num\":1,\"_placeholder\":true}]", "[\"a\",{\"num\":0,\"_placeholder\":true,\"num\":0}]",
            "[\"a\",{\"x\":1,\"num\":0,\"_placeholder\":true}]", "[\"a\",{\"num\":0.0,\"_placeholder\":true}]",
            "[\"a\",{\"num\":1000000,\"_placeholder\":true}]",
        ])
    func placeholders(_ json: String) {
        #expect(problem("51-" + json) != nil, "\(json)")
    }

    @Test("text that looks like a placeholder is none")
    func looksLike() {
        for json in [
            "[\"a\",\"_placeholder\"]", "[\"a\",{\"_placeholder\":false,\"num\":7}]",
            "[\"a\",\"\\\"_placeholder\\\":true\"]",
            "[\"a\", { \"_placeholder\" : true , \"num\" : 0 } ]",
            "[\"a\",{\"num\":0,\"_placeholder\":true}]", "[\"a\", { \"num\" : 0 , \"_placeholder\" : true } ]",
        ] {
            #expect(problem("51-" + json) == nil, "\(json)")
        }
    }
}

@Suite("Socket.IO packets with attachments")
struct SocketIOAssemblerTests {
    private let announced = Payload(
        text: "52-[\"a\",{\"_placeholder\":true,\"num\":1},{\"_placeholder\":true,\"num\":0}]")
    private func binary(_ text: String) -> Payload { Payload(kind: .binary, bytes: ByteBuffer(string: text)) }

    @Test("a packet is whole with its last attachment")
    func whole() throws {
        var assembler = SocketIOAssembler()
        var incomplete = try assembler.take(announced, maxAttachments: 10)
        #expect(incomplete == nil && assembler.isWithinPacket)
        incomplete = try assembler.take(binary("x"), maxAttachments: 10)
        #expect(incomplete == nil)
        #expect(assembler.bytes == announced.bytes.readableBytes + 1)
        let last = try assembler.take(binary("y"), maxAttachments: 10)
        let whole = try #require(last)
        #expect(whole.attachments.map { String(buffer: $0) } == ["x", "y"])
        #expect(!assembler.isWithinPacket && assembler.bytes == 0)
        let next = try assembler.take(Payload(text: "2[\"b\"]"), maxAttachments: 10)
        #expect(next?.attachments.isEmpty == true)
    }

    @Test("text before the last attachment, and an attachment of nobody, are refused")
    func order() {
        var assembler = SocketIOAssembler()
        #expect(throws: SocketIOPacketError.self) { try assembler.take(binary("x"), maxAttachments: 10) }
        _ = try? assembler.take(announced, maxAttachments: 10)
        #expect(throws: SocketIOPacketError.self) { try assembler.take(Payload(text: "2[\"b\"]"), maxAttachments: 10) }
    }
}
