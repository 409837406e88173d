import FanfareTestKit
import NIOCore
import NIOEmbedded
import Testing

@testable import FanfareServer

@Suite("Bytes behind an upgrade")
struct BytesBehindUpgradeTests {
    /// The wheel does not turn here: what needs its next tick never comes.
    @Test(
        "what follows the request in the same packet is answered at once",
        arguments: [
            ("/connection/websocket", UInt8(1), #"{"id":1,"connect":{}}"#, #""id":1"#),
            ("/channels/a/ws", 9, "alive?", "alive?"),
        ])
    func answered(path: String, opcode: UInt8, message: String, answer: String) throws {
        let bench = ClientBench()
        defer { bench.end() }
        let channel = EmbeddedChannel(loop: bench.eventLoop)
        try HTTPPipeline.install(on: channel, loop: bench.loop)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        var bytes = ByteBuffer(
            string: "GET \(path) HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        bytes.writeImmutableBuffer(WebSocketClient.frame(opcode: opcode, ByteBuffer(string: message)))
        try channel.writeInbound(bytes)
        bench.eventLoop.run()
        var output = ""
        while let part = try channel.readOutbound(as: ByteBuffer.self) {
            output += String(decoding: part.readableBytesView, as: UTF8.self)
        }
        #expect(output.hasPrefix("HTTP/1.1 101") && output.contains(answer))
        _ = try? channel.finish(acceptAlreadyClosed: true)
    }
}
