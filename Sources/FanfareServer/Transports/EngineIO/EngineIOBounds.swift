/// All bounds of sessions of Engine.IO besides those of every client.
enum EngineIOBounds {
    /// Sessions of one event loop whose client has not come back since the handshake; for one more the oldest ends. Some 3 KB each, and
    /// no socket: whoever opens them pays a request for each. Clients poll at once.
    static let halfOpen = 2_048
    /// From a WebSocket's arrival to its `5`; then the session polls on without it. As the reference has it.
    static let upgradeTime = Duration.seconds(10)
    /// WebSockets over TLS of one event loop that are bridged to sessions on others; more clients poll on. Two descriptors, some 4 KB
    /// and at most 64 KB in the kernel for each direction, beside those of the connection. Upgrades that wait may take it somewhat above.
    static let bridges = 1_024
    /// For how long a session that its client has ended tells a poll so that was on its way.
    static let noopTime = Duration.seconds(2)
    /// Packets of a poll's answer for clients of python-engineio, which end the session for more (its `max_decode_packets`).
    static let pythonPackets = 16
    /// What a poll may wait beyond interval and timeout of pings, one of which answers it in any case.
    static let pollSlack = Duration.seconds(5)
}
