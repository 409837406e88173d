import FanfareCore
import FanfareProtocols
import FanfareWire

extension SessionTransport {
    /// Opens a session for the request that begins it: takes the places of a client, and subscribes where the request names a channel.
    /// The session is on the event loop of the request.
    ///
    /// - Parameters:
    ///   - format: how publications read to it: as the form has them.
    ///   - receiver: see ``begin(_:)``.
    ///   - then: called once; with `nil` where another request opened a session of that name meanwhile. Not called where the request
    ///     was refused.
    func open(
        for exchange: Exchange, _ session: Session, _ format: WireFormat, in channel: ChannelName? = nil,
        _ wish: RecoveryRequest = .none, receiver: UInt64?, then: @escaping (SessionTransport?) -> Void
    ) {
        ClientRequest(exchange: exchange, transport: self) { [self] client, subscription in
            guard loop.sessions.add(self) else {
                client.finish()
                self.client = nil
                return then(nil)
            }
            client.begin(on: nil)
            begin(receiver)
            if let subscription { client.begin(subscription.channel, subscription.start) }
            then(self)
        }.begin(session, format, in: channel, wish)
    }
}
