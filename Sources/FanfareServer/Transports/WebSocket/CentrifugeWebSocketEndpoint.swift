import FanfareCore
import NIOCore

/// `/connection/websocket`: an upgrade to the Centrifuge client protocol, whose client says later who it is.
struct CentrifugeWebSocketEndpoint: Endpoint {
    func body(of exchange: Exchange) -> BodyUse? { .forbidden }

    func respond(to exchange: Exchange, _ body: ByteBuffer) {
        WebSocketUpgrade(exchange, subprotocols: ["centrifuge-json"])?.admit(.centrifuge(session(exchange)))
    }

    private func session(_ exchange: Exchange) -> CentrifugeSession {
        let node = exchange.loop.node
        let configuration = node.configuration
        var policy = CentrifugeSession.Policy(
            clientID: exchange.loop.makeClientID(),
            nodeName: configuration.nodeName,
            version: FanfareVersion.string,
            pingSeconds: configuration.keepAlive.pingInterval.map { Int($0.components.seconds) },
            maxChannelNameBytes: exchange.limits.maxChannelNameBytes,
            maxChannels: exchange.limits.maxChannelsPerClient,
            permissions: node.anonymousPermissions,
            channels: node.channels,
            maxRecovery: exchange.limits.maxRecovery
        )
        policy.users = node.userPermissions
        policy.ignoresTokens = node.ignoresTokens
        var session = CentrifugeSession(policy: policy)
        session.requestToken = exchange.token
        return session
    }
}
