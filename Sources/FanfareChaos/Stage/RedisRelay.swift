import NIOCore
import NIOPosix
import Synchronization

/// A TCP relay between each node and Redis: where there are no network namespaces for us, links are cut here. What was
/// connected stays connected and carries nothing; what connects meanwhile is taken and never answered.
final class RedisRelay: Sendable {
    private struct Link {
        var listener: any Channel
        var isCut = false
        /// Both ends of every connection.
        var open: [any Channel] = []
        /// Those that carry nothing any more.
        var dead: [any Channel] = []
    }

    private let links: Mutex<[Link]>

    private init(_ listeners: [any Channel]) { links = Mutex(listeners.map { Link(listener: $0) }) }

    /// Starts one on loopback.
    static func start(links: Int, to port: Int) async throws -> RedisRelay {
        let holder = Holder()
        var listeners: [any Channel] = []
        for link in 0..<links {
            listeners.append(
                try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .childChannelInitializer { inbound in
                        guard let relay = holder.relay.withLock(\.self) else { return inbound.close() }
                        return relay.accepted(inbound, link: link, port: port)
                    }
                    .bind(host: "127.0.0.1", port: 0).get())
        }
        let relay = RedisRelay(listeners)
        holder.relay.withLock { $0 = relay }
        return relay
    }

    /// Where that node finds Redis.
    func port(_ link: Int) -> Int { links.withLock { $0[link].listener.localAddress?.port ?? 0 } }

    func cut(_ link: Int) {
        links.withLock { links in
            links[link].isCut = true
            links[link].dead += links[link].open
            links[link].open = []
            for channel in links[link].dead { channel.pipeline.fireUserInboundEventTriggered(Muted()) }
        }
    }

    func mend(_ link: Int) {
        let dead = links.withLock { links in
            links[link].isCut = false
            defer { links[link].dead = [] }
            return links[link].dead
        }
        for channel in dead { channel.close(promise: nil) }
    }

    func stop() async {
        for link in links.withLock(\.self) {
            try? await link.listener.close()
            for channel in link.open + link.dead { channel.close(promise: nil) }
        }
    }

    private func accepted(_ inbound: any Channel, link: Int, port: Int) -> EventLoopFuture<Void> {
        let isCut = links.withLock { links in
            if links[link].isCut { links[link].dead.append(inbound) }
            return links[link].isCut
        }
        guard !isCut else { return inbound.eventLoop.makeSucceededVoidFuture() }
        return ClientBootstrap(group: inbound.eventLoop).connect(host: "127.0.0.1", port: port).flatMapThrowing {
            [self] outbound in
            try inbound.pipeline.syncOperations.addHandler(Pump(to: outbound))
            try outbound.pipeline.syncOperations.addHandler(Pump(to: inbound))
            links.withLock { links in
                links[link].open.removeAll { !$0.isActive }
                guard links[link].isCut else { return links[link].open += [inbound, outbound] }
                links[link].dead += [inbound, outbound]
                for channel in [inbound, outbound] { channel.pipeline.fireUserInboundEventTriggered(Muted()) }
            }
        }
    }
}

/// The relay, once its listeners are there.
private final class Holder: Sendable {
    let relay = Mutex<RedisRelay?>(nil)
}

private struct Muted: Sendable {}

private final class Pump: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let peer: any Channel
    private var isMuted = false

    init(to peer: any Channel) { self.peer = peer }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is Muted { isMuted = true } else { context.fireUserInboundEventTriggered(event) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !isMuted { peer.writeAndFlush(unwrapInboundIn(data), promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if !isMuted { peer.close(promise: nil) }
    }
}
