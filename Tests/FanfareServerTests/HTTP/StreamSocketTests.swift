import FanfareCore
import FanfareProtocols
import FanfareTestKit
import FanfareWire
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import FanfareServer

/// Streams over real sockets, as a transport would have them: the node's own listener with a route of the test's.
@Suite("Streams over sockets", .serialized)
struct StreamSocketTests {
    /// A listener with that router, on one event loop.
    private func withListener(_ router: PublicRouter, _ body: (Int) async throws -> Void) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let eventLoop = group.next()
        var configuration = NodeConfiguration()
        configuration.dev = true
        configuration.host = "127.0.0.1"
        configuration.port = 0
        // A slow machine's reader has the end late, and then asks for more.
        configuration.limits.handshakeTimeout = .seconds(600)
        configuration.limits.slowTimeout = .seconds(600)
        let (metrics, formats) = (NodeMetrics(loops: 1), FormatTable())
        let broker = MemoryBroker(rules: configuration.channels, formats: formats, metrics: metrics.broker)
        let node = NodeContext(
            configuration: configuration, metrics: metrics, broker: broker, formats: formats, clock: .system,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        let loop = try await eventLoop.submit {
            let loop = LoopState(node: node, index: 0, eventLoop: eventLoop)
            broker.start(receivers: [loop.mailbox])
            loop.start()
            return NIOLoopBound(loop, eventLoop: eventLoop)
        }.get()
        let listener = try await PublicListener.open(node: node, loops: [loop], group: group, router: router)
        let result: Result<Void, any Error>
        do { result = .success(try await body(listener.port)) } catch { result = .failure(error) }
        await listener.close()
        try await eventLoop.submit { loop.value.stop() }.get()
        try await group.shutdownGracefully()
        try result.get()
    }

    @Test("a reader that sleeps holds back the stream, gets all of it when it wakes, and may ask for more")
    func sleepingReader() async throws {
        let total = 64 * 1_048_576
        let gauge = FloodEndpoint.Gauge()
        let router = PublicRouter([.path("/", [.get]) { FloodEndpoint(total: total, gauge: gauge) }])
        try await withListener(router) { port in
            let client = try await SocketClient.connect(port, receiveBuffer: 65_536)
            try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = try await client.receive("the head") { HTTPAnswer.parse(&$0) }
            try await client.pauseReading()
            var before = -1
            try await eventually("it is held back") {
                defer { before = gauge.sent }
                try await Task.sleep(for: .milliseconds(100))
                return gauge.sent == before && gauge.sent < total
            }
            try await client.resumeReading()
            var body = 0
            var isWhole = false
            while !isWhole, let size = try await client.receive("a chunk", { $0.takeChunk() }) {
                body += size
                isWhole = size == 0
            }
            #expect(isWhole && body == total && gauge.ends == 1)
            // The high-water mark, one part, and its chunk's head.
            #expect(gauge.mostWaiting <= 65_536 + FloodEndpoint.part + 64, "\(gauge.mostWaiting) bytes waited")
            try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            let second = try await client.receive("the next head") { HTTPAnswer.parse(&$0) }
            #expect(second?.status == 200 && gauge.gone == 0)
            await client.reset()
            try await eventually("the endpoint hears that it has gone") { gauge.gone == 1 }
        }
    }
}

extension ByteBuffer {
    /// Takes a chunk (RFC 9112 §7.1).
    ///
    /// - Returns: its size; `nil`: it is not complete.
    fileprivate mutating func takeChunk() -> Int? {
        guard let end = readableBytesView.prefix(20).firstIndex(of: UInt8(ascii: "\r")) else { return nil }
        let digits = String(decoding: readableBytesView[..<end], as: UTF8.self)
        let head = digits.utf8.count + 2
        guard let size = Int(digits, radix: 16), readableBytes >= head + size + 2 else { return nil }
        moveReaderIndex(forwardBy: head + size + 2)
        return size
    }
}
