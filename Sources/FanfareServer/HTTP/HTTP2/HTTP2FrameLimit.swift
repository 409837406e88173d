import FanfareCore
import NIOCore

/// Stands in front of the frames' decoder and ends a connection that sends too many of them: some kinds cost their sender nothing
/// and are bounded by nobody else, such as window updates.
final class HTTP2FrameLimit: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let connection: HTTP2Connection
    private var frames = HTTP2FrameCount()
    private let rate = RateMeter(Rate(perSecond: HTTP2Bounds.framesPerSecond))

    init(_ connection: HTTP2Connection) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // Whoever was told to go is not heard any more.
        guard !connection.isOver else { return }
        let count = unwrapInboundIn(data).withUnsafeReadableBytes { frames.count($0) }
        guard rate.take(count, now: connection.loop.node.clock.monotonicMicroseconds()) else {
            return connection.end(
                "HTTP/2: more than \(HTTP2Bounds.framesPerSecond) frames in a second", telling: .enhanceYourCalm)
        }
        connection.bytesCame()
        context.fireChannelRead(data)
    }
}
