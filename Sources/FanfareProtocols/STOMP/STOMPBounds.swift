/// What one STOMP client may have or send at most. What an operator may want otherwise is in `Limits`.
public enum STOMPBounds {
    /// Headers of a frame: what the protocol has, and tags.
    static let headers = 64
    /// Bytes of a frame before its body, line ends among them: a token has up to 8 KiB, tags have 4 KiB.
    static let headBytes = 16_384
    /// Entries of accept-version that are looked at.
    static let versions = 16
    /// Bytes of a subscription's id with its escapes. It is in the lead of each of its messages, which has 255 bytes at most (D96).
    static let idBytes = 200
    /// Bytes of a receipt.
    static let receiptBytes = 256
    /// Publications whose outcome is awaited: more than may be under way.
    static let calls = 1_024
    /// Bytes of what the client sent that an error message shows.
    static let quotedBytes = 64
    /// Bytes that a message of the recovery has beside its payload: head, lead and frame. They count against what a client may recover.
    static let messageBytes = 256
}
