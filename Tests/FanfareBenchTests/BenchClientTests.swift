import FanfareWire
import NIOCore
import NIOEmbedded
import Testing

@testable import FanfareBench

/// A client against bytes as a server would send them.
@Suite("Bench client")
struct BenchClientTests {
    private static let accept = "HTTP/1.1 101 x\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

    /// A client of channel 0 of two, in run 7.
    private final class Setup {
        let channel = EmbeddedChannel()
        let loop: ClientLoop

        init(_ transport: String) throws {
            var options = BenchOptions()
            (options.url, options.transport, options.channels) = ("ws://h:1/", transport, "2")
            let plan = try BenchPlan(options, machine: BenchMachine(cores: 1, openFiles: 10_000, ports: 28_000))
            loop = ClientLoop(eventLoop: channel.eventLoop, plan: plan, run: 7, counts: LiveCounts())
            try channel.pipeline.syncOperations.addHandler(BenchClient(channel: 0, loop: loop))
            channel.pipeline.fireChannelActive()
        }

        /// What the client has sent since the last time.
        func sent() throws -> String {
            var text = ""
            while let buffer = try channel.readOutbound(as: ByteBuffer.self) { text += Self.unmasked(buffer) }
            return text
        }

        func receive(_ text: String) throws { try channel.writeInbound(ByteBuffer(string: text)) }

        func receive(_ bytes: ByteBuffer) throws { try channel.writeInbound(bytes) }

        var connected: Int { loop.counts.connected.load(ordering: .relaxed) }

        /// A small frame's payload, or what is no frame as it is.
        private static func unmasked(_ buffer: ByteBuffer) -> String {
            let bytes = Array(buffer.readableBytesView)
            guard let first = bytes.first, first & 0x80 != 0 else { return String(buffer: buffer) }
            let key = bytes[2..<6]
            return String(decoding: bytes[6...].enumerated().map { $0.element ^ key[2 + $0.offset % 4] }, as: UTF8.self)
        }
    }

    private func payload(_ sequence: UInt32, run: UInt16 = 7, channel: Int = 0) -> ByteBuffer {
        var buffer = ByteBuffer()
        let stamp = Stamp(run: run, channel: channel, sequence: sequence, sentAt: MonotonicClock.microseconds)
        stamp.writePayload(size: 64, into: &buffer)
        return buffer
    }

    private func raw(_ numbers: [UInt32]) -> ByteBuffer {
        var buffer = ByteBuffer()
        for number in numbers { WebSocketFrame.encode(.text, into: &buffer, payload: payload(number)) }
        return buffer
    }

    private func push(_ numbers: [UInt32], channel: String = "bench-0") -> ByteBuffer {
        let lines = numbers.map {
            "{\"push\":{\"channel\":\"\(channel)\",\"pub\":{\"data\":" + String(buffer: payload($0)) + "}}}"
        }
        return WebSocketFrame.encode(.text, payload: ByteBuffer(string: lines.joined(separator: "\n")))
    }

    @Test("raw: the upgrade is asked for, and from the 101 on it listens, also to what came in the same read")
    func raw() throws {
        let setup = try Setup("raw")
        #expect(try setup.sent().hasPrefix("GET /channels/bench-0/ws HTTP/1.1\r\nHost: h:1\r\nUpgrade: websocket\r\n"))
        var bytes = ByteBuffer(string: Self.accept)
        bytes.writeImmutableBuffer(raw([0, 1, 2]))
        try setup.receive(bytes)
        #expect(setup.connected == 1 && setup.loop.audience == [1, 0])
        #expect(setup.loop.tally.received == 3 && setup.loop.tally.latency.totalCount == 3)
    }

    @Test("bytes cut anywhere give the same figures")
    func cutAnywhere() throws {
        var bytes = ByteBuffer(string: Self.accept)
        bytes.writeImmutableBuffer(raw([0, 2, 1, 1, 5]))
        for size in [1, 2, 3, 10, 67] {
            let setup = try Setup("raw")
            var rest = bytes
            while rest.readableBytes > 0, let part = rest.readSlice(length: min(size, rest.readableBytes)) {
                try setup.receive(part)
            }
            #expect(setup.loop.tally.received == 5 && setup.loop.tally.repeated == 1)
            #expect(setup.loop.tally.outOfOrder == 1 && setup.loop.counts.missing.load(ordering: .relaxed) == 2)
        }
    }

    @Test("another channel's, another run's and anybody else's publications are foreign")
    func foreign() throws {
        let setup = try Setup("raw")
        try setup.receive(Self.accept)
        for bytes in [payload(0, run: 8), payload(0, channel: 1), ByteBuffer(string: "hello"), ByteBuffer()] {
            try setup.receive(WebSocketFrame.encode(.text, payload: bytes))
        }
        #expect(setup.loop.tally.foreign == 4 && setup.loop.tally.received == 0)
    }

    @Test("Centrifuge: it listens when the subscription is answered, several publications in one frame count")
    func centrifuge() throws {
        let setup = try Setup("centrifuge")
        #expect(try setup.sent().hasPrefix("GET /connection/websocket HTTP/1.1\r\n"))
        try setup.receive(Self.accept)
        #expect(
            try setup.sent() == #"{"id":1,"connect":{}}"# + "\n" + #"{"id":2,"subscribe":{"channel":"bench-0"}}"#)
        #expect(setup.connected == 0)
        let replies = #"{"id":1,"connect":{}}"# + "\n" + #"{"id":2,"subscribe":{}}"#
        try setup.receive(WebSocketFrame.encode(.text, payload: ByteBuffer(string: replies)))
        #expect(setup.connected == 1)
        try setup.receive(push([0]))
        try setup.receive(push([1, 2, 4], channel: "fanfare/"))
        #expect(setup.loop.tally.received == 4 && setup.loop.counts.missing.load(ordering: .relaxed) == 1)
        #expect(setup.loop.tally.foreign == 0)
        let other = #"{"push":{"channel":"bench-0","pub":{"data":1}}}"#
        try setup.receive(WebSocketFrame.encode(.text, payload: ByteBuffer(string: other)))
        #expect(setup.loop.tally.foreign == 1)
    }

    @Test("pings of both protocols are answered")
    func pings() throws {
        let setup = try Setup("centrifuge")
        try setup.receive(Self.accept)
        _ = try setup.sent()
        try setup.receive(WebSocketFrame.encode(.text, payload: ByteBuffer(string: "{}")))
        #expect(try setup.sent() == "{}")
        try setup.receive(WebSocketFrame.encode(.ping, payload: ByteBuffer(string: "life?")))
        #expect(try setup.sent() == "life?")
    }

    @Test("refused: by status, by an error reply, by what is no answer, by the end of the connection")
    func refused() throws {
        let full = try Setup("raw")
        try full.receive("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nfull")
        #expect(full.loop.tally.refused.counts == ["HTTP 503": 1] && !full.channel.isActive)
        let denied = try Setup("centrifuge")
        try denied.receive(Self.accept)
        let error = #"{"id":2,"error":{"code":103,"message":"permission denied"}}"#
        try denied.receive(WebSocketFrame.encode(.text, payload: ByteBuffer(string: error)))
        #expect(denied.loop.tally.refused.counts == ["Centrifuge error 103": 1])
        let strange = try Setup("raw")
        try strange.receive("220 smtp ready\r\n")
        #expect(strange.loop.tally.refused.counts == ["an answer that is not HTTP": 1])
        let gone = try Setup("raw")
        gone.channel.pipeline.fireChannelInactive()
        #expect(gone.loop.tally.refused.counts == ["connection closed": 1])
    }

    @Test("lost: by a close frame with its code, by the end of the connection, by a frame too long; once each")
    func lost() throws {
        var channels: [Int] = []
        let closed = try Setup("raw")
        closed.loop.clientLost = { channels.append($0) }
        try closed.receive(Self.accept)
        try closed.receive(WebSocketFrame.close(.slow))
        closed.channel.pipeline.fireChannelInactive()
        #expect(closed.loop.tally.lost.counts == ["close 3008 slow consumer": 1])
        #expect(closed.connected == 0 && closed.loop.audience == [0, 0] && channels == [0])
        let cut = try Setup("raw")
        try cut.receive(Self.accept)
        cut.channel.pipeline.fireChannelInactive()
        #expect(cut.loop.tally.lost.counts == ["connection closed": 1])
        let long = try Setup("raw")
        try long.receive(Self.accept)
        try long.receive(ByteBuffer(bytes: [0x82, 127, 0, 0, 0, 1, 0, 0, 0, 0]))
        #expect(long.loop.tally.lost.counts == ["a frame of 4294967296 bytes; at most 16640 were expected": 1])
    }

    @Test("a client that is not connected in time is refused, one that is stays")
    func deadline() throws {
        let setup = try Setup("raw")
        let (slow, fast) = (BenchClient(channel: 1, loop: setup.loop), BenchClient(channel: 1, loop: setup.loop))
        setup.loop.connecting.append(slow)
        setup.loop.connecting.append(fast)
        setup.loop.checkDeadlines(now: slow.startedAt + 9_999_999)
        #expect(setup.loop.tally.refused.total == 0)
        setup.loop.checkDeadlines(now: fast.startedAt + 10_000_000)
        #expect(setup.loop.tally.refused.counts == ["timeout": 2] && setup.loop.connecting.isEmpty)
    }
}
