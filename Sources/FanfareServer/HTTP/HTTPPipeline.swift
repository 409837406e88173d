import FanfareCore
import NIOCore
import NIOHTTP1

/// The HTTP handlers of a public connection, put in at accept and taken out at the upgrade.
enum HTTPPipeline {
    /// From accept to the answer of an upgrade.
    static func install(on channel: any Channel, loop: LoopState) throws {
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
        let front = FrontHandler(loop: loop)
        let gate = RequestGate(front: front)
        front.gate = gate
        try pipeline.addHandler(HTTPResponseEncoder())
        try pipeline.addHandler(gate)
        try pipeline.addHandler(ByteToMessageHandler(decoder))
        let peer = ClientAddress(channel.remoteAddress)
        if let peer, !front.takeShare(of: peer) { throw ChannelError.operationUnsupported }
        try pipeline.addHandler(front)
        guard loop.node.callers.source == .proxyProtocol else { return }
        // Health checks of proxies reset the connection before it is accepted: then nobody is there any more.
        guard let peer else { throw ChannelError.alreadyClosed }
        // Before all others, also before TLS.
        guard loop.node.callers.trusted.contains(peer) else { return }
        try pipeline.addHandler(ProxyHeaderHandler(front: front), position: .first)
    }

    /// After the 101: only `client` stays, and TLS in front of it. The decoder and then the gate go last and hand on the bytes
    /// that came behind the request.
    static func replace(in context: ChannelHandlerContext, with client: ClientConnection) {
        let pipeline = context.pipeline.syncOperations
        do {
            try pipeline.addHandler(client, position: .last)
            let encoder = try pipeline.handler(type: HTTPResponseEncoder.self)
            let gate = try pipeline.handler(type: RequestGate.self)
            let front = try pipeline.handler(type: FrontHandler.self)
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            gate.close()
            pipeline.removeHandler(front, promise: nil)
            pipeline.removeHandler(encoder, promise: nil)
            // NIO lets go of the decoder in a task of its own, and only there does it hand on what it has left. Nobody else
            // would end that turn before the next tick of the wheel.
            let left = context.eventLoop.makePromise(of: Void.self)
            let bound = NIOLoopBound((gate, client.loop), eventLoop: context.eventLoop)
            left.futureResult.whenComplete { _ in
                let (gate, loop) = bound.value
                gate.open()
                loop.flush()
            }
            pipeline.removeHandler(decoder, promise: left)
            client.begin()
        } catch {
            client.finish()
            context.close(promise: nil)
        }
    }
}
