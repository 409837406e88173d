import FanfareWire
import NIOCore

/// What a client is told about its subscription (`client.proto`: SubscribeResult).
public struct CentrifugeSubscribeResult: Sendable, Equatable {
    /// `nil` in a channel without history.
    public var position: StreamPosition?
    /// Whether the client may come back with its position.
    public var isRecoverable: Bool
    /// Whether it came back with one.
    public var wasRecovering: Bool
    /// Whether ``publications`` is all that it missed.
    public var isRecovered: Bool
    /// Oldest first.
    public var publications: [Publication]
    /// ``publications`` as the client's encoding has them in a list, where others get them too.
    public var items: ByteBuffer?
    /// Seconds until the subscription's token has to be refreshed; `nil`: never.
    public var ttl: UInt32?

    public init(
        position: StreamPosition? = nil, isRecoverable: Bool = false, wasRecovering: Bool = false,
        isRecovered: Bool = false, publications: [Publication] = []
    ) {
        self.position = position
        self.isRecoverable = isRecoverable
        self.wasRecovering = wasRecovering
        self.isRecovered = isRecovered
        self.publications = publications
    }
}
