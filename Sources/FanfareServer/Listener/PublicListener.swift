import FanfareCore
import FanfareRedis
import Logging
import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The public port: accepts sockets and gives each to one event loop for life.
struct PublicListener: Sendable {
    private let channel: any Channel

    /// The port that is bound, also when 0 was asked for.
    var port: Int { channel.localAddress?.port ?? 0 }

    /// Binds and accepts from now on.
    ///
    /// - Parameter router: `nil`: that of the node's configuration.
    static func open(
        node: NodeContext,
        loops: [NIOLoopBound<LoopState>],
        group: MultiThreadedEventLoopGroup,
        router: PublicRouter? = nil
    ) async throws -> PublicListener {
        let byLoop = Dictionary(uniqueKeysWithValues: loops.map { (ObjectIdentifier($0.eventLoop), $0) })
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: ServerBounds.backlog)
            .serverChannelOption(.maxMessagesPerRead, value: ServerBounds.accepts)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            // Sockets inherit it when they are accepted, so it costs no call for each.
            .serverChannelOption(.tcpOption(.init(rawValue: TCP_NOTSENT_LOWAT)), value: unsentBytes)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptWatch(node: node))
                }
            }
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            // A client's messages are small; a big one comes in pieces and is gathered by the frame reader.
            .childChannelOption(.recvAllocator, value: ReceiveSizes())
            .childChannelOption(.maxMessagesPerRead, value: ServerBounds.reads)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let loop = byLoop[ObjectIdentifier(channel.eventLoop)]?.value else {
                        preconditionFailure("a connection on a loop that is not the node's")
                    }
                    try HTTPPipeline.install(on: channel, loop: loop, router: router)
                }
            }
            .bind(host: node.configuration.host, port: node.configuration.port).get()
        node.isAccepting = true
        return PublicListener(channel: channel)
    }

    /// Accepts no more; sessions stay.
    func close() async {
        try? await channel.close()
    }
}

/// Counts the times that accepting paused for want of file descriptors. NIO's own handler behind it does the pausing: it
/// accepts again after a second.
private final class AcceptWatch: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private let node: NodeContext

    init(node: NodeContext) { self.node = node }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? IOError, [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(error.errnoCode) {
            node.metrics.shared.addShared(.acceptPauses)
            node.logger.warning(
                "no free file descriptor: accepting pauses for a second",
                metadata: ["error": "\(NetworkFailure.describe(error))"]
            )
        }
        context.fireErrorCaught(error)
    }
}
