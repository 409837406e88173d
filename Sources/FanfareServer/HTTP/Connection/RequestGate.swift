import NIOCore

/// Stands in front of the decoder of requests and gives it the bytes of the socket in portions, each when the requests of the
/// one before are answered.
///
/// A client may send hundreds of requests at once. They are answered one after the other, so what has come is not taken apart
/// before its turn, and while something is held back the socket is not read.
final class RequestGate: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer

    /// Who answers the requests; `nil` once they have ended, and then all bytes are held.
    private var connection: HTTPConnection?
    private var context: ChannelHandlerContext?
    private var held = ByteBuffer()
    /// Whether NIO asked to read while something was held back.
    private var isReadWanted = false

    init(connection: HTTPConnection) { self.connection = connection }

    /// Whether bytes wait here.
    var isHolding: Bool { held.readableBytes > 0 }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        connection = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        if isHolding { held.writeImmutableBuffer(bytes) } else { held = bytes }
        guard held.readableBytes <= Self.most else {
            held = ByteBuffer()
            return context.close(promise: nil)
        }
        connection?.bytesCame()
    }

    func read(context: ChannelHandlerContext) {
        if connection?.takesMore == true { context.read() } else { isReadWanted = true }
    }

    /// Reads the socket if somebody wanted to meanwhile.
    func readOn() {
        guard isReadWanted else { return }
        isReadWanted = false
        context?.read()
    }

    /// Gives the decoder its next portion.
    ///
    /// - Returns: whether there was one.
    func passOn() -> Bool {
        guard let context, let portion = held.readSlice(length: min(held.readableBytes, Self.portion)),
            portion.readableBytes > 0
        else { return false }
        if !isHolding { held = ByteBuffer() }
        context.fireChannelRead(wrapInboundOut(portion))
        return true
    }

    /// Throws away what is held.
    func clear() { held = ByteBuffer() }

    /// There are no more requests: holds everything until ``open()``.
    func close() { connection = nil }

    /// Lets everything through and leaves. The decoder has left, and handed on what it had.
    func open() {
        guard let context else { return }
        let rest = held
        held = ByteBuffer()
        if rest.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(rest)) }
        readOn()
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }
}
