import NIOCore
import NIOEmbedded

@testable import FanfareServer

/// The client's end of an HTTP connection on a bench's event loop.
final class HTTPSocket {
    let channel: EmbeddedChannel
    private let watch = Watch()

    /// Flushes and reads of the socket so far.
    var flushes: Int { watch.flushes }
    var reads: Int { watch.reads }

    init(_ bench: ClientBench, router: PublicRouter? = nil) throws {
        channel = EmbeddedChannel(loop: bench.eventLoop)
        try channel.pipeline.syncOperations.addHandler(watch)
        try HTTPPipeline.install(on: channel, loop: bench.loop, router: router)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    func send(_ text: String) { send(bytes: Array(text.utf8)) }

    func send(bytes: [UInt8]) { _ = try? channel.writeInbound(ByteBuffer(bytes: bytes)) }

    /// What NIO does after a read.
    func askToRead() { channel.pipeline.read() }

    /// Everything that came since the last time.
    func takeOutput() -> String {
        var output = ""
        while let part = try? channel.readOutbound(as: ByteBuffer.self) {
            output += String(decoding: part.readableBytesView, as: UTF8.self)
        }
        return output
    }

    /// Says whether the client takes anything.
    func setWritable(_ isWritable: Bool) {
        channel.isWritable = isWritable
        channel.pipeline.fireChannelWritabilityChanged()
    }

    func end() { _ = try? channel.finish(acceptAlreadyClosed: true) }

    /// Counts what reaches the socket.
    private final class Watch: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer
        var flushes = 0
        var reads = 0

        func flush(context: ChannelHandlerContext) {
            flushes += 1
            context.flush()
        }

        func read(context: ChannelHandlerContext) {
            reads += 1
            context.read()
        }
    }
}
