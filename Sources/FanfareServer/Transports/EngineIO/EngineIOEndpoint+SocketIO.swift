import FanfareProtocols
import FanfareWire

extension EngineIOEndpoint {
    /// Socket.IO. The client says later who it is, in the handshake of a namespace; a token of the request counts where it does not.
    static let socketIO: Opening = { exchange, id in
        let node = exchange.loop.node
        let session = SocketIOSession(
            node.socketIO, clientID: id.description, requestToken: exchange.token, now: node.clock.tokenTime)
        return (.socketIO(Boxed(session)), node.socketIO.format)
    }
}
