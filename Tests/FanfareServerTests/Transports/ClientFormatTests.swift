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
        one.connection.closeSocket()
        bench.run()
        one.connection.finish()
        #expect(one.connection.phase == .ended && formats.inUse == [.rawWebSocket])
        other.connection.finish()
        other.connection.finish()
        #expect(formats.inUse.isEmpty)
    }

    @Test("a client that was refused after its request leaves none in use")
    func refused() throws {
        let bench = ClientBench()
        defer { bench.end() }
        let client = ClientConnection(loop: bench.loop, wire: .echo, deflate: nil)
        #expect(bench.node.formats.inUse == [.rawWebSocket])
        client.finish()
        #expect(bench.node.formats.inUse.isEmpty)
    }
}
