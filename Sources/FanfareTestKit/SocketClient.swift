import NIOCore
import NIOPosix
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A TCP client that sends any bytes and gives out what comes back. No thread of its own: thousands fit a test.
public final class SocketClient: Sendable {
    let channel: any Channel
    private let inbox: Inbox

    /// Connects to a port on loopback.
    ///
    /// - Parameters:
    ///   - address: from which it comes; `nil`: 127.0.0.1.
    ///   - receiveBuffer: bytes of the kernel's buffer; small ones fill fast when nothing is read.
    ///   - tls: how it speaks TLS; `nil`: it does not.
    public static func connect(
        _ port: Int, from address: String? = nil, receiveBuffer: Int? = nil, tls: TLSClient? = nil
    ) async throws -> SocketClient {
        let inbox = Inbox()
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(InboxHandler(inbox: inbox))
                    try tls?.install(on: channel)
                }
            }
        if let receiveBuffer {
            bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: SocketOptionValue(receiveBuffer))
        }
        if let address { bootstrap = bootstrap.bind(to: try SocketAddress(ipAddress: address, port: 0)) }
        let channel = try await bootstrap.connect(host: "127.0.0.1", port: port).get()
        return SocketClient(channel: channel, inbox: inbox)
    }

    private init(channel: any Channel, inbox: Inbox) {
        self.channel = channel
        self.inbox = inbox
    }

    /// Sends bytes.
    public func send(_ bytes: ByteBuffer) async throws { try await channel.writeAndFlush(bytes) }

    /// Sends text.
    public func send(_ text: String) async throws { try await send(ByteBuffer(string: text)) }

    /// Sends without waiting until the kernel has it.
    public func sendLater(_ bytes: ByteBuffer) { channel.writeAndFlush(bytes, promise: nil) }

    /// Takes what `parse` finds at the beginning of the bytes that came; waits while it finds nothing.
    ///
    /// - Returns: `nil` at the end of the connection.
    public func receive<Value: Sendable>(
        within limit: Duration = patience, _ what: String,
        _ parse: @Sendable @escaping (inout ByteBuffer) throws -> Value?
    ) async throws -> Value? {
        let deadline = ContinuousClock.now + limit
        while true {
            let (value, isClosed) = try inbox.take(parse)
            if value != nil || isClosed { return value }
            guard ContinuousClock.now < deadline else { throw NotInTime(what: what) }
            await inbox.wait(until: deadline)
        }
    }

    /// Whether the peer has ended the connection.
    public var isClosed: Bool { inbox.isClosed }

    /// Whether it ended as its protocols say: with TLS not only the connection, but TLS before it.
    public var endedCleanly: Bool { inbox.isClosed && !inbox.isBroken }

    /// Stops reading: what comes fills the kernel's buffers.
    public func pauseReading() async throws { try await channel.setOption(.autoRead, value: false).get() }

    public func resumeReading() async throws {
        try await channel.setOption(.autoRead, value: true).get()
        channel.read()
    }

    /// Ends its half of the connection: nothing more is sent, what comes is read.
    public func endOutput() async throws { try await channel.close(mode: .output) }

    /// Ends the connection.
    public func close() async { try? await channel.close() }

    /// Ends the connection with a reset.
    public func reset() async {
        try? await (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        await close()
    }
}

/// What has come in, and who waits for more.
private final class Inbox: Sendable {
    private struct State {
        var bytes = ByteBuffer()
        var isClosed = false
        var isBroken = false
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter = 0
        /// Counts changes, so that one between a look and a wait is not missed.
        var version = 0
        var seen = 0
    }

    private let state = Mutex(State())

    var isClosed: Bool { state.withLock(\.isClosed) }
    var isBroken: Bool { state.withLock(\.isBroken) }

    func noteError() { state.withLock { $0.isBroken = true } }

    func add(_ bytes: ByteBuffer?) {
        let waiters = state.withLock { state in
            if let bytes { state.bytes.writeImmutableBuffer(bytes) } else { state.isClosed = true }
            state.version += 1
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume() }
    }

    func take<Value>(_ parse: (inout ByteBuffer) throws -> Value?) throws -> (Value?, isClosed: Bool) {
        try state.withLock { state in
            state.seen = state.version
            let value = try parse(&state.bytes)
            state.bytes.discardReadBytes()
            return (value, state.isClosed)
        }
    }

    /// Waits for news, at most until the deadline.
    func wait(until deadline: ContinuousClock.Instant) async {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        let left = max(.zero, deadline - .now)
        var timeout: Scheduled<Void>?
        await withCheckedContinuation { continuation in
            let isNews = state.withLock { state in
                guard state.seen == state.version else { return true }
                state.waiters[id] = continuation
                return false
            }
            if isNews { return continuation.resume() }
            // Only now: it may be over at once, and must find who waits.
            timeout = MultiThreadedEventLoopGroup.singleton.any().scheduleTask(
                in: .nanoseconds(left.components.seconds * 1_000_000_000 + left.components.attoseconds / 1_000_000_000)
            ) { [self] in
                let waiter = state.withLock { $0.waiters.removeValue(forKey: id) }
                waiter?.resume()
            }
        }
        timeout?.cancel()
    }
}

private final class InboxHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let inbox: Inbox

    init(inbox: Inbox) { self.inbox = inbox }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { inbox.add(unwrapInboundIn(data)) }

    func channelInactive(context: ChannelHandlerContext) { inbox.add(nil) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        inbox.noteError()
        context.close(promise: nil)
    }
}
