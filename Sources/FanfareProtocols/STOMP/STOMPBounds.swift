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
    /// Publications whose outcome is awaited; then the client's next one waits.
    static let calls = 1_024
    /// Messages of a subscription that wait for their ACK; a client may say fewer.
    static let unacked = 1_000
    /// Bytes that such a message takes beside its payload and tags.
    static let deliveryBytes = 256
    /// How often one is sent again.
    static let repetitions = 5
    /// Messages that are sent again at a time because nobody acknowledged them.
    static let repeatedAtOnce = 100
    /// Publications that are read at a time for a subscription that has room again.
    static let readAtOnce = 250
    /// Transactions of a client that are open at a time.
    static let transactions = 16
    /// Frames in all of them.
    static let transactionFrames = 512
    /// Bytes in all of them, in messages of the greatest size.
    static let transactionMessages = 4
    /// Bytes of a transaction's id.
    static let transactionIDBytes = 256
    /// Bytes that a frame in a transaction takes beside its body and headers.
    static let transactionFrameBytes = 256
    /// Bytes of what the client sent that an error message shows.
    static let quotedBytes = 64
    /// Bytes that a message of the recovery has beside its payload: head, lead and frame. They count against what a client may recover.
    static let messageBytes = 256
}
