import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A connection on its way from one event loop of a node to another: NIO leaves a channel on its loop for life, so the loop that
/// accepted it gives up its channel, and the other makes one of a second descriptor of the same socket (`dup`). The peer sees nothing.
///
/// Whoever has it adopts or closes it, once. Over TLS, whose state is in the first channel, it is an end of a pair of sockets instead.
struct MovedConnection: Sendable {
    let descriptor: CInt
    /// What was read already.
    let bytes: ByteBuffer
    let peer: ClientAddress

    /// Takes a channel's socket; what the caller has to do then is to close the channel.
    ///
    /// - Returns: `nil`: it can't be had.
    init?(of channel: any Channel, bytes: ByteBuffer, peer: ClientAddress) {
        let descriptor = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
            of: NIOBSDSocket.Handle.self
        ) { fcntl($0, F_DUPFD_CLOEXEC, 0) }
        guard let descriptor, descriptor >= 0 else { return nil }
        (self.descriptor, self.bytes, self.peer) = (descriptor, bytes, peer)
    }

    private init(_ descriptor: CInt, bytes: ByteBuffer, peer: ClientAddress) {
        (self.descriptor, self.bytes, self.peer) = (descriptor, bytes, peer)
    }

    /// Bytes that the kernel keeps of each direction; Linux doubles it for its own books.
    private static let buffer: CInt = 32_768

    /// Two ends of a pair of sockets of this process: one to carry bytes to and from a channel that can't move, one that stands for it.
    ///
    /// - Returns: `nil`: they can't be had.
    static func pair(bytes: ByteBuffer, peer: ClientAddress) -> (near: MovedConnection, far: MovedConnection)? {
        var ends: [CInt] = [-1, -1]
        #if canImport(Darwin)
        let kind = SOCK_STREAM
        #elseif canImport(Glibc)
        let kind = CInt(SOCK_STREAM.rawValue)
        #else
        let kind = CInt(SOCK_STREAM)
        #endif
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { return nil }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            // By default a client that does not read would have some 200 KB here, beyond its queue's bound.
            var bytes = buffer
            setsockopt(end, SOL_SOCKET, SO_SNDBUF, &bytes, socklen_t(MemoryLayout<CInt>.size))
        }
        return (
            MovedConnection(ends[0], bytes: ByteBuffer(), peer: peer),
            MovedConnection(ends[1], bytes: bytes, peer: peer)
        )
    }

    func close() {
        #if canImport(Glibc)
        Glibc.close(descriptor)
        #elseif canImport(Musl)
        Musl.close(descriptor)
        #else
        Darwin.close(descriptor)
        #endif
    }

    /// Makes a channel of it on an event loop, which is the caller's; the first bytes are read once the caller wants them.
    ///
    /// - Parameter then: called in the same or a later turn, unless it can't be had.
    func adopt(on loop: LoopState, handler: any ChannelHandler, then: @escaping () -> Void) {
        let bound = NIOLoopBound((handler, then), eventLoop: loop.eventLoop)
        ClientBootstrap(group: loop.eventLoop)
            .channelOption(.autoRead, value: false)
            .channelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(minimum: 256, initial: 256, maximum: 16_384)
            )
            .channelOption(.maxMessagesPerRead, value: 2)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(bound.value.0)
                }
            }
            .withConnectedSocket(descriptor)
            .whenSuccess { _ in bound.value.1() }
    }
}
