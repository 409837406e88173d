import NIOCore

/// Lets what the streams of a connection write in one turn of the event loop leave together: NIO would encrypt and send for each
/// of a hundred streams that hear the same publication.
final class HTTP2FlushCollector: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer

    private var context: ChannelHandlerContext?
    private var isDue = false

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func flush(context: ChannelHandlerContext) {
        guard !isDue else { return }
        isDue = true
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute {
            if bound.value.isDue { bound.value.flushNow() }
        }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        flushNow()
        context.close(mode: mode, promise: promise)
    }

    /// Does not wait for the end of the turn, nor for NIO, which may be about to flush the frames that it has written.
    func flushNow() {
        isDue = false
        context?.flush()
    }
}
