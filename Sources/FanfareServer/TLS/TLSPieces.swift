import NIOCore

/// Hands big writes to TLS in pieces.
///
/// NIOSSL encrypts everything up to a flush into one buffer, which grows to the biggest of its life and is never given back
/// (2.37; its `maximumPreservedOutboundBufferCapacity` is read by nobody). One message of a megabyte to a thousand clients
/// would hold a gigabyte until they leave. Piece by piece the buffer stays as it was made, one record long.
final class TLSPieces: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        var bytes = unwrapOutboundIn(data)
        while bytes.readableBytes > Self.pieceBytes, let piece = bytes.readSlice(length: Self.pieceBytes) {
            context.writeAndFlush(wrapOutboundOut(piece), promise: nil)
        }
        context.write(wrapOutboundOut(bytes), promise: promise)
    }
}
