import FanfareProtocols
import FanfareWire
import NIOCore
import Testing

@testable import FanfareServer

/// Which wire formats a node encodes publications in.
@Suite("Formats of clients")
struct ClientFormatTests {
    @Test("a format is in use as long as a client of it, however often that one ends")
    func release() throws {
        let bench = ClientBench()
        defer { bench.end() }
        let formats = bench.node.formats
        #expect(formats.inUse.isEmpty)
        let (one, other) = (try bench.client(["a"]), try bench.client(["a"]))
        #expect(formats.inUse == [.rawWebSocket])
        try bench.publish([("a", "x")])
        #expect(one.received() == ["x"] && other.received() == ["x"])
        one.client.close()
        bench.run()
        one.client.finish()
        #expect(one.client.life.phase == .ended && formats.inUse == [.rawWebSocket])
        other.client.finish()
        other.client.finish()
        #expect(formats.inUse.isEmpty)
    }

    @Test("a client that was refused after its request leaves none in use")
    func refused() throws {
        let bench = ClientBench()
        defer { bench.end() }
        let transport = WebSocketTransport(bench.node.configuration.limits, agreement: nil)
        let client = Client(loop: bench.loop, session: .echo, transport: transport, wireFormat: .rawWebSocket)
        #expect(bench.node.formats.inUse == [.rawWebSocket])
        client.finish()
        #expect(bench.node.formats.inUse.isEmpty)
    }
}
