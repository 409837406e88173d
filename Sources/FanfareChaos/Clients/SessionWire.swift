import NIOCore
import NIOPosix

/// One connection with a session of the Centrifuge protocol, whatever carries its messages. Belongs to its event loop.
protocol SessionWire: AnyObject {
    /// Connects; what happens then is told until ``SessionEvent/closed(_:)`` or ``close(politely:)``.
    func connect(_ events: @escaping (SessionEvent) -> Void)

    /// Sends a command.
    func send(_ command: String)

    /// Ends it without another event; with a farewell, or as a phone in a tunnel does.
    func close(politely: Bool)
}

/// What a session's connection tells.
enum SessionEvent {
    /// Commands may be sent.
    case open
    case message(CentrifugeMessage)
    /// It has ended, and why.
    case closed(String)
}

extension ClientBootstrap {
    /// Connects a handler to a port on loopback.
    ///
    /// - Parameter failed: called on the event loop when there is no connection.
    static func connect(
        _ handler: any ChannelHandler, to port: Int, on eventLoop: any EventLoop, failed: @escaping (String) -> Void
    ) {
        let bound = NIOLoopBound((handler, failed), eventLoop: eventLoop)
        ClientBootstrap(group: eventLoop)
            .connectTimeout(.seconds(2))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(bound.value.0) }
            }
            .connect(host: "127.0.0.1", port: port)
            .whenFailure { bound.value.1("\($0)") }
    }
}
