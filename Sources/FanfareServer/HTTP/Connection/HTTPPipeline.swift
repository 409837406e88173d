import FanfareCore
import NIOCore
import NIOHTTP1

/// The HTTP handlers of a public connection, put in at accept and taken out at the upgrade.
enum HTTPPipeline {
    /// From accept to the answer of an upgrade.
    ///
    /// - Parameter router: `nil`: that of the node.
    static func install(on channel: any Channel, loop: LoopState, router: PublicRouter? = nil) throws {
        guard loop.makeRoom(for: channel.remoteAddress) else { throw ChannelError.operationUnsupported }
        let limits = loop.node.configuration.limits
        var parsing = NIOHTTPDecoderLimitConfiguration()
        parsing.maxHeaderFieldSize = limits.maxHeaderFieldBytes
        parsing.maxHeaderListSize = limits.maxHeaderListBytes
        parsing.maxHeaderFieldCount = limits.maxHeaderFields
        let decoder = HTTPRequestDecoder(
            leftOverBytesStrategy: .forwardBytes,
            informationalResponseStrategy: .drop,
            limitConfiguration: parsing
        )
        let pipeline = channel.pipeline.syncOperations
        try loop.node.tls?.install(on: channel, loop: loop)
        let connection = HTTPConnection(
            loop: loop, router: router ?? loop.node.router)
        let gate = RequestGate(connection: connection)
        connection.gate = gate
        try pipeline.addHandler(gate)
        try pipeline.addHandler(ByteToMessageHandler(decoder))
        let peer = ClientAddress(channel.remoteAddress)
        if let peer, !connection.takeShare(of: peer) { throw ChannelError.operationUnsupported }
        try pipeline.addHandler(connection)
        guard loop.node.clientAddresses.source == .proxyProtocol else { return }
        // Health checks of proxies reset the connection before it is accepted: then nobody is there any more.
        guard let peer else { throw ChannelError.alreadyClosed }
        // Before all others, also before TLS.
        guard loop.node.clientAddresses.trusted.contains(peer) else { return }
        try pipeline.addHandler(ProxyHeaderHandler(connection: connection), position: .first)
    }

    /// After the last head: only `handler` stays, and TLS in front of it. The decoder and then the gate go last and hand on the
    /// bytes that came behind the request.
    ///
    /// - Returns: whether the handler has the connection; where not, it is closed.
    static func replace(in context: ChannelHandlerContext, with handler: any ChannelHandler, loop: LoopState) -> Bool {
        let pipeline = context.pipeline.syncOperations
        do {
            try pipeline.addHandler(handler, position: .last)
            let gate = try pipeline.handler(type: RequestGate.self)
            let connection = try pipeline.handler(type: HTTPConnection.self)
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            gate.close()
            pipeline.removeHandler(connection, promise: nil)
            // NIO lets go of the decoder in a task of its own, and only there does it hand on what it has left. Nobody else
            // would end that turn before the next tick of the wheel.
            let left = context.eventLoop.makePromise(of: Void.self)
            let bound = NIOLoopBound((gate, loop), eventLoop: context.eventLoop)
            left.futureResult.whenComplete { _ in
                let (gate, loop) = bound.value
                gate.open()
                loop.flush()
            }
            pipeline.removeHandler(decoder, promise: left)
            return true
        } catch {
            context.close(promise: nil)
            return false
        }
    }
}
