import FanfareWire
import Testing

@testable import FanfareServer

@Suite("Sec-WebSocket-Accept")
struct AcceptKeyTests {
    @Test("the RFC's sample key gets the RFC's answer")
    func sample() throws {
        let headers = [
            (name: "Upgrade", value: "websocket"), (name: "Connection", value: "Upgrade"),
            (name: "Sec-WebSocket-Key", value: "dGhlIHNhbXBsZSBub25jZQ=="),
            (name: "Sec-WebSocket-Version", value: "13"),
        ]
        let acceptance = try OpeningHandshake.check(
            method: "GET", majorVersion: 1, minorVersion: 1, headers: headers, subprotocols: []
        ).get()
        #expect(acceptance.acceptKey == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    }
}
