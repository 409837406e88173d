import FanfareCore
import FanfareProtocols
import FanfareTestKit
import FanfareWire
import Logging
import NIOCore
import NIOEmbedded

@testable import FanfareServer

/// Clients of one event loop that a test turns by hand, each behind a transport that takes as much as the test says.
final class ClientBench {
    let eventLoop = EmbeddedEventLoop()
    let node: NodeContext
    let loop: LoopState
    let broker: MemoryBroker
    private var channels: [EmbeddedChannel] = []
    private var lastOffset: UInt64 = 0

    init(rules: [ExactText: ChannelRules] = [:], change: (inout Limits) -> Void = { _ in }) {
        var configuration = NodeConfiguration()
        configuration.dev = true
        configuration.keepAlive.pingInterval = nil
        configuration.channels = ChannelRulebook(namespaces: rules)
        change(&configuration.limits)
        let (metrics, formats) = (NodeMetrics(loops: 1), FormatTable())
        broker = MemoryBroker(rules: configuration.channels, formats: formats, metrics: metrics.broker)
        node = NodeContext(
            configuration: configuration, metrics: metrics, broker: broker, formats: formats, clock: .system,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        loop = LoopState(node: node, index: 0, eventLoop: eventLoop)
        broker.start(receivers: [loop.mailbox])
    }

    func count(_ counter: LoopCounter) -> Int { node.metrics.sum(counter) }

    /// A raw client in these channels. More than one it can't have through its upgrade; the hub does not mind.
    func client(_ names: [String], room: Int = .max) throws -> BenchClient {
        let channels = try names.map { try ChannelName($0) }
        let raw = RawSession(
            channel: channels[0], rules: ChannelRules(), mayPublish: false, grants: Grants(anonymous: .subscribe))
        let client = try client(.raw(raw), room: room)
        for name in channels {
            client.client.opening = ClientOpening { _ in client.client.opening = nil }
            loop.flushHub()
            loop.shard.subscribe(client.client, to: name, request: 0)
            eventLoop.run()
        }
        return client
    }

    /// A client whose upgrade is done.
    func client(_ session: Session, room: Int = .max) throws -> BenchClient {
        let webSocket = WebSocketTransport(node.configuration.limits, agreement: nil)
        let format =
            if case .centrifuge = session { WireFormat.centrifugeJSONWebSocket } else { WireFormat.rawWebSocket }
        let client = Client(loop: loop, session: session, transport: webSocket, wireFormat: format)
        webSocket.client = client
        let transport = StubTransport(room: room)
        let channel = EmbeddedChannel(handlers: [transport, webSocket], loop: eventLoop)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        self.channels.append(channel)
        webSocket.begin()
        return BenchClient(client: client, transport: transport, channel: channel)
    }

    /// Publishes all of it before the event loop looks: as one burst of Redis.
    func publish(_ burst: [(channel: String, text: String)], isRepaired: Bool = false) throws {
        let events = try burst.map { channel, text in
            lastOffset += 1
            let publication = Publication(channel: try ChannelName(channel), payload: Payload(text: text))
            return BrokerEvent.publication(
                PreparedPublication(
                    publication, formats: node.formats, receivedAt: 0, isRepaired: isRepaired))
        }
        loop.mailbox.post(contentsOf: events)
        run()
    }

    /// Lets the loop do all that waits: what is more than a visit may handle comes in the next, after the sockets.
    func run() {
        for _ in 0..<100 { eventLoop.advanceTime(by: .microseconds(50)) }
    }

    /// Ends all connections, so that nothing is in the hub when it goes.
    func end() {
        for channel in channels { _ = try? channel.finish(acceptAlreadyClosed: true) }
        eventLoop.run()
    }
}

/// A client and what came out of its transport.
final class BenchClient {
    let client: Client
    let transport: StubTransport
    private let channel: EmbeddedChannel

    init(client: Client, transport: StubTransport, channel: EmbeddedChannel) {
        (self.client, self.transport, self.channel) = (client, transport, channel)
    }

    /// Sends a short text message, masked with zeros.
    func send(_ text: String) throws {
        var frame = ByteBuffer(bytes: [0x81, 0x80 | UInt8(text.utf8.count), 0, 0, 0, 0])
        frame.writeString(text)
        try channel.writeInbound(frame)
    }

    /// Ends the connection, as the client's side does it.
    func disconnect() { _ = try? channel.finish(acceptAlreadyClosed: true) }

    /// Lets the transport take so many bytes more.
    func take(_ bytes: Int) { transport.take(bytes) }

    /// Everything that has come, whole frames in order; a close frame as its code.
    func received() -> [String] {
        var bytes = ByteBuffer(bytes: transport.taken)
        var texts: [String] = []
        while let (opcode, payload) = WebSocketClient.takeFrame(&bytes) {
            texts.append(
                opcode == 8
                    ? "close \(payload.getInteger(at: payload.readerIndex, as: UInt16.self) ?? 0)"
                    : String(buffer: payload))
        }
        if bytes.readableBytes > 0 { texts.append("and \(bytes.readableBytes) bytes of a frame") }
        return texts
    }
}

/// The end of a pipeline: a kernel that takes as many bytes as there is room for.
final class StubTransport: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer

    private(set) var taken: [UInt8] = []
    private(set) var isClosed = false
    private var room: Int
    private var pending: [(bytes: ByteBuffer, promise: EventLoopPromise<Void>?)] = []
    private var isDraining = false

    init(room: Int) { self.room = room }

    func take(_ bytes: Int) {
        room += bytes
        drain()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isClosed else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        pending.append((unwrapOutboundIn(data), promise))
    }

    func flush(context: ChannelHandlerContext) { drain() }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        isClosed = true
        let lost = pending
        pending = []
        for write in lost { write.promise?.fail(ChannelError.ioOnClosedChannel) }
        context.close(mode: mode, promise: promise)
    }

    private func drain() {
        guard !isDraining else { return }
        isDraining = true
        defer { isDraining = false }
        while let first = pending.first, room > 0 {
            let count = min(room, first.bytes.readableBytes)
            taken += first.bytes.readableBytesView.prefix(count)
            room -= count
            pending[0].bytes.moveReaderIndex(forwardBy: count)
            guard pending[0].bytes.readableBytes == 0 else { return }
            pending.removeFirst()
            first.promise?.succeed(())
        }
    }
}
