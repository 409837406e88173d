import FanfareTestKit
import NIOCore
import Testing

@testable import FanfareCore
@testable import FanfareProtocols
@testable import FanfareWire

/// A session whose client speaks Protobuf: the same decisions, in other bytes.
@Suite("Centrifuge session in Protobuf")
struct ProtobufSessionTests {
    private func session() -> CentrifugeSession {
        CentrifugeSession(
            .init(
                .init(
                    nodeName: "n", version: "v", pingSeconds: 25, maxChannelNameBytes: 20, maxChannels: 2,
                    permissions: .publish)), clientID: "c", encoding: .protobuf)
    }

    private func binary(_ text: String) -> Payload {
        Payload(kind: .binary, bytes: ByteBuffer(bytes: Hexadecimal.bytes(text)))
    }

    private func text(_ action: SessionAction) -> String? {
        switch action {
        case .send(let body), .refuse(let body): Hexadecimal.text(body.bytes.readableBytesView)
        default: nil
        }
    }

    @Test("a message comes as binary, and the answers to its commands are Protobuf")
    func commands() throws {
        var session = Session.centrifuge(session())
        guard case .action(.disconnect(.unsupportedData, _)) = session.take(Payload(text: "{}")),
            case .commands(2) = session.take(binary("0408012200" + "0408025a00"))
        else {
            Issue.record("two commands in one binary message")
            return
        }
        var answers: [String?] = []
        while case .perform(let command, _) = session.next(mayRead: true) {
            answers.append(text(session.perform(command)))
        }
        #expect(answers == ["11" + "08012a0d" + "0a0163" + "120176" + "3819" + "4001" + "52016e", "0408026200"])
        #expect(session.ping.map { Hexadecimal.text($0.bytes.readableBytesView) } == "00")
    }

    @Test(
        "what is published in Protobuf is text where it can be text, and binary where it can't",
        arguments: [
            (Array(#"{"a":1}"#.utf8), .text), (Array("größe".utf8), .text), ([], .text), ([0xFF], .binary),
            ([0xC3], .binary), ([0xED, 0xA0, 0x80], .binary),
        ] as [([UInt8], Payload.Kind)])
    func payloads(data: [UInt8], kind: Payload.Kind) throws {
        var session = session()
        _ = session.receive(CentrifugeCommand(id: 1, method: .connect(token: nil)))
        let command = CentrifugeCommand(id: 2, method: .publish(channel: "a", data: ByteBuffer(bytes: data)))
        let payload = Payload(kind: kind, bytes: ByteBuffer(bytes: data))
        #expect(session.receive(command) == .publish(try ChannelName("a"), payload, id: 2))
    }

    @Test("JSON that is nested too deep is refused in bytes, too")
    func depth() {
        var session = session()
        _ = session.receive(CentrifugeCommand(id: 1, method: .connect(token: nil)))
        let data = String(repeating: "[", count: 65) + String(repeating: "]", count: 65)
        let action = session.receive(
            CentrifugeCommand(id: 2, method: .publish(channel: "a", data: ByteBuffer(string: data))))
        // Error 107.
        #expect(text(action)?.contains("086b12") == true, "\(action)")
    }

    @Test("what a method without a handler gets: an error where there is a reply, an end where there is none")
    func withoutHandler() {
        var session = session()
        _ = session.receive(CentrifugeCommand(id: 1, method: .connect(token: nil)))
        #expect(text(session.receive(CentrifugeCommand(id: 2, method: .rpc)))?.contains("086c") == true)
        #expect(session.receive(CentrifugeCommand(id: 0, method: .send)) == .disconnect(.notAvailable))
    }
}
