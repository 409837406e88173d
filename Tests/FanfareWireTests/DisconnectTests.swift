import FanfareWire
import NIOCore
import Testing

@Suite("Disconnects")
struct DisconnectTests {
    @Test("an application has the codes from 4000 to 4999, and half of them say that the client should come back")
    func codes() throws {
        for code: UInt16 in [4_000, 4_499, 4_500, 4_999] {
            let end = Disconnect.application(try #require(ApplicationDisconnect(code: code, reason: "so")))
            #expect(end.code == code && end.reason == "so")
            #expect(end.advice == (code < 4_500 ? .reconnect : .doNotReconnect))
        }
        for code: UInt16 in [0, 1_000, 3_000, 3_999, 5_000, .max] {
            #expect(ApplicationDisconnect(code: code, reason: "") == nil)
        }
    }

    @Test("its reason fits a close frame, by bytes of UTF-8, and leaves as it is")
    func reasons() throws {
        #expect(ApplicationDisconnect(code: 4_000, reason: String(repeating: "x", count: 124)) == nil)
        #expect(ApplicationDisconnect(code: 4_000, reason: String(repeating: "é", count: 62)) == nil)
        for reason in ["", String(repeating: "x", count: 123), String(repeating: "é", count: 61) + "!"] {
            let end = try #require(ApplicationDisconnect(code: 4_242, reason: reason))
            var frame = WebSocketFrame.close(.application(end))
            #expect(frame.readBytes(length: 4) == [0x88, UInt8(2 + reason.utf8.count), 0x10, 0x92])
            #expect(String(buffer: frame) == reason)
        }
    }

    @Test("every way of the node's own is in the table once")
    func table() {
        #expect(Set(Disconnect.builtIn).count == Disconnect.builtIn.count)
        #expect(Disconnect.builtIn.allSatisfy { !ApplicationDisconnect.codes.contains($0.code) })
        #expect(Disconnect.builtIn.allSatisfy { $0.reason.utf8.count <= ApplicationDisconnect.maximumReasonBytes })
        #expect(Set(Disconnect.builtIn.map(\.advice)) == Set(Disconnect.Advice.allCases))
    }
}
