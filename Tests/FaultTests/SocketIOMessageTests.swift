import NIOCore
import Testing

@testable import FanfareChaos

@Suite("Chaos: what clients of Socket.IO read")
struct SocketIOMessageTests {
    private func text(_ packet: String) -> String {
        switch SocketIOMessage(ByteBuffer(string: packet)) {
        case .joined(let pid): "joined \(pid)"
        case .event(let name, let arguments, let offset):
            "event \(name) \(arguments.map { String(buffer: $0) }) at \(offset ?? "nothing")"
        case .answer(let id, let answer):
            "answer \(id) \(answer.position.map { "\($0)" } ?? "nowhere") \(answer.isRecovered.map { "\($0)" } ?? "anew") "
                + (answer.error ?? "good")
        case .left(let reason): reason
        case .other: "other"
        }
    }

    @Test(
        "packets read as what they are",
        arguments: [
            (#"0{"sid":"a","pid":"b"}"#, "joined b"), (#"0{"sid":"a"}"#, "other"),
            (#"2["message","x","1.e/c"]"#, #"event message [""x""] at 1.e/c"#),
            (#"2["message",{"a":["1"]},"1.e/c"]"#, #"event message ["{"a":["1"]}"] at 1.e/c"#),
            (#"2["fanfare:offset",""]"#, "event fanfare:offset [] at "),
            (#"2["news"]"#, "event news [] at nothing"),
            (#"312[{"room":"c","position":"7.e"}]"#, "answer 12 7.e anew good"),
            (#"30[{"room":"c","position":"7.e","recovered":false}]"#, "answer 0 7.e false good"),
            (#"31[{"error":{"code":103}}]"#, #"answer 1 nowhere anew {"code":103}"#),
            ("1", "Socket.IO disconnect"), (#"4{"message":"m"}"#, "Socket.IO connect error"), ("", "other"),
            ("3[1]", "other"), ("2{}", "other"),
        ])
    func packets(packet: String, meaning: String) {
        #expect(text(packet).replacing(#"\""#, with: "\"") == meaning)
    }

    @Test("an offset names each channel's place, and an epoch only where it is another one")
    func places() {
        func text(_ offset: String) -> [String] {
            SocketIOMessage.places(offset).map { "\($0.channel) \($0.position)" }
        }
        #expect(text("42.e/a,7/chat:1,/lobby,9.f/b/c") == ["a 42.e", "chat:1 7.e", "b/c 9.f"])
        #expect(text("").isEmpty && text("-").isEmpty && text("x.e/a").isEmpty)
    }
}
