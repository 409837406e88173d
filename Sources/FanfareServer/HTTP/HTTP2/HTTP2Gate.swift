import FanfareCore
import NIOCore

/// Stands in front of the frames' decoder, as ``RequestGate`` does in HTTP/1.1: gives it a turn's work at a time, holds the rest,
/// and does not read the socket while it holds something. Ends a connection that sends too many frames: some kinds cost their
/// sender nothing and are bounded by nobody else, such as window updates.
final class HTTP2Gate: ChannelDuplexHandler, TurnTaker {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer

    /// Most bytes that are held: several reads of the socket. More come only from a peer that has ended.
    private static let most = 131_072

    private let connection: HTTP2Connection
    private var context: ChannelHandlerContext?
    /// Where the bytes that came are, and those that were given to the decoder.
    private var arrived = HTTP2FrameWalker()
    private var passed = HTTP2FrameWalker()
    private var held = ByteBuffer()
    private var isReadWanted = false
    private let rate = RateMeter(Rate(perSecond: HTTP2Bounds.framesPerSecond, burst: HTTP2Bounds.framesAtOnce))

    init(_ connection: HTTP2Connection) { self.connection = connection }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // Whoever was told to go is not heard any more.
        guard !connection.isOver else { return }
        let bytes = unwrapInboundIn(data)
        let frames = bytes.withUnsafeReadableBytes { arrived.walk($0).frames }
        guard rate.take(frames, now: connection.loop.node.clock.monotonicMicroseconds()) else {
            return connection.end("HTTP/2: too many frames in a second", telling: .enhanceYourCalm)
        }
        guard held.readableBytes == 0 else {
            held.writeImmutableBuffer(bytes)
            if held.readableBytes > Self.most { connection.end("HTTP/2: more bytes than are held") }
            return
        }
        held = bytes
        connection.bytesCame()
        passOn(context)
    }

    func read(context: ChannelHandlerContext) {
        if held.readableBytes == 0 { context.read() } else { isReadWanted = true }
    }

    func channelInactive(context: ChannelHandlerContext) {
        held = ByteBuffer()
        context.fireChannelInactive()
    }

    func takeTurn() {
        guard let context, held.readableBytes > 0, !connection.isOver else { return }
        connection.bytesCame()
        passOn(context)
        // It is with this that NIO hands frames to their streams.
        context.fireChannelReadComplete()
        guard held.readableBytes == 0, isReadWanted else { return }
        isReadWanted = false
        context.read()
    }

    private func passOn(_ context: ChannelHandlerContext) {
        let count = held.withUnsafeReadableBytes { passed.walk($0, weight: HTTP2Bounds.turnWeight).bytes }
        guard let portion = held.readSlice(length: count) else { return }
        connection.isBehind = held.readableBytes > 0
        if connection.isBehind { connection.loop.turns.add(self) } else { held = ByteBuffer() }
        context.fireChannelRead(wrapInboundOut(portion))
    }
}
