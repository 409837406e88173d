import FanfareCore
import NIOCore

/// Stands in front of the frames' decoder, as ``RequestGate`` does in HTTP/1.1: gives it a turn's work at a time, holds the rest,
/// and does not read the socket while it holds something. A client that takes none of its answers gets no more. Ends a connection that sends too many frames: some kinds cost their
/// sender nothing and are bounded by nobody else, such as window updates.
final class HTTP2Gate: ChannelDuplexHandler, TurnTaker {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer

    private let connection: HTTP2Connection
    private var context: ChannelHandlerContext?
    /// Where the bytes that came are, and those that were given to the decoder.
    private var arrived = HTTP2FrameWalker()
    private var passed = HTTP2FrameWalker()
    private var held = ByteBuffer()
    private var isReadWanted = false
    /// Whether what is held waits for its turn, and not for the client to take its answers.
    private var isQueued = false { didSet { connection.isBehind = isQueued } }
    private let rate = RateMeter(Rate(perSecond: HTTP2Bounds.framesPerSecond, burst: HTTP2Bounds.framesAtOnce))

    init(_ connection: HTTP2Connection) { self.connection = connection }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // Whoever was told to go is not heard any more.
        guard !connection.isOver else {
            held = ByteBuffer()
            return
        }
        let (bytes, resets) = (unwrapInboundIn(data), arrived.resets)
        let frames = bytes.withUnsafeReadableBytes { arrived.walk($0).frames }
        connection.resetsCame(arrived.resets - resets)
        guard rate.take(frames, now: connection.loop.node.clock.monotonicMicroseconds()) else {
            return connection.end("HTTP/2: too many frames in a second", telling: .enhanceYourCalm)
        }
        let isFirst = held.readableBytes == 0
        if isFirst { held = bytes } else { held.writeImmutableBuffer(bytes) }
        guard held.readableBytes <= Self.most else { return connection.end("HTTP/2: more bytes than are held") }
        if isFirst, context.channel.isWritable { passOn(context) }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        connection.writabilityChanged(to: context.channel.isWritable)
        if context.channel.isWritable { waitForTurn() }
        context.fireChannelWritabilityChanged()
    }

    func read(context: ChannelHandlerContext) {
        if held.readableBytes == 0 || connection.isOver { context.read() } else { isReadWanted = true }
    }

    func channelInactive(context: ChannelHandlerContext) {
        held = ByteBuffer()
        context.fireChannelInactive()
    }

    func takeTurn() {
        isQueued = false
        guard let context, context.channel.isWritable, held.readableBytes > 0, !connection.isOver else { return }
        passOn(context)
        // It is with this that NIO hands frames to their streams.
        context.fireChannelReadComplete()
        guard held.readableBytes == 0, isReadWanted else { return }
        isReadWanted = false
        context.read()
    }

    private func waitForTurn() {
        guard !isQueued, held.readableBytes > 0 else { return }
        isQueued = true
        connection.loop.turns.add(self)
    }

    private func passOn(_ context: ChannelHandlerContext) {
        connection.bytesCame()
        let count = held.withUnsafeReadableBytes { passed.walk($0, weight: HTTP2Bounds.turnWeight).bytes }
        guard let portion = held.readSlice(length: count) else { return }
        if held.readableBytes == 0 { held = ByteBuffer() } else { waitForTurn() }
        context.fireChannelRead(wrapInboundOut(portion))
    }
}
