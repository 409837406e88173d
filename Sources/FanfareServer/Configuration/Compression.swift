import FanfareWire

/// How a node takes part in permessage-deflate (RFC 7692). Off by default: it costs a compression per publication, and
/// what clients compress has to be inflated.
public struct Compression: Sendable, Equatable {
    /// Whether it is offered to clients that ask.
    public var isOn = false
    /// Bytes of a frame from which it is compressed; a small one hardly gets smaller. 0: all, even where it does not help.
    public var threshold = 256
    /// Whether clients may refer to their earlier messages: smaller messages, at some 11 KB for each client that does, or
    /// 39 KB where its software can't use a smaller window.
    public var clientContext = false

    public init() {}

    /// What the opening handshake has to know; `nil`: off.
    var policy: DeflatePolicy? { isOn ? DeflatePolicy(clientContext: clientContext) : nil }
}
