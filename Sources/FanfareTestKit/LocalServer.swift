import NIOCore
import NIOPosix

/// Runs `body` with a TCP server on a free port of 127.0.0.1, which ends with it.
///
/// - Parameter handler: made for every connection, on its event loop.
public func withLocalServer<Value>(
    handler: @escaping @Sendable () -> any ChannelHandler, _ body: (_ port: Int) async throws -> Value
) async throws -> Value {
    let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(handler()) }
        }
        .bind(host: "127.0.0.1", port: 0).get()
    do {
        let value = try await body(listener.localAddress?.port ?? 0)
        try await listener.close()
        return value
    } catch {
        try? await listener.close()
        throw error
    }
}
