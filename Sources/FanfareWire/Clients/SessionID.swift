import NIOCore

/// What a client shows with each request that belongs to its session: its ``ClientID``, which says where the session is, and 128
/// random bits. Others may know the first; the second only the client is told.
public struct SessionID: Hashable, Sendable, CustomStringConvertible {
    /// Bytes of ``bytes``.
    public static let size = 32
    /// Of its ``text``: the client's id, a dot, 32 digits.
    static let textBytes = ClientID.textBytes + 33

    public let client: ClientID
    private let high: UInt64
    private let low: UInt64

    private init(client: ClientID, high: UInt64, low: UInt64) {
        self.client = client
        self.high = high
        self.low = low
    }

    /// A session that begins now.
    public static func make(for client: ClientID) -> SessionID {
        // The system's generator, which is fit for secrets.
        SessionID(client: client, high: .random(in: 0...UInt64.max), low: .random(in: 0...UInt64.max))
    }

    /// Whether two are the same, in a time that does not tell how much of the secret is.
    public func matches(_ other: SessionID) -> Bool {
        client == other.client && (high ^ other.high) | (low ^ other.low) == 0
    }

    /// Reads ``text``; `nil` for anything else.
    public init?(_ text: ExactText) {
        let bytes = Array(text.utf8)
        guard bytes.count == Self.textBytes, bytes[ClientID.textBytes] == UInt8(ascii: "."),
            let client = ClientID(bytes[..<ClientID.textBytes])
        else { return nil }
        var words: (high: UInt64, low: UInt64) = (0, 0)
        for byte in bytes[(ClientID.textBytes + 1)...] {
            guard let digit = HexDigit.value(byte) else { return nil }
            words = (words.high << 4 | words.low >> 60, words.low << 4 | UInt64(digit))
        }
        self.init(client: client, high: words.high, low: words.low)
    }

    /// What may be written anywhere: without the secret.
    public var description: String { "session of \(client)" }

    /// As clients have it.
    public var text: String {
        let digits = [high, low].flatMap { word in
            stride(from: 60, through: 0, by: -4).map { shift in
                HexDigit.character(UInt8(truncatingIfNeeded: word >> UInt64(shift) & 15))
            }
        }
        return "\(client)." + String(decoding: digits, as: UTF8.self)
    }

    /// As nodes have it among themselves: four big-endian words.
    public var bytes: ByteBuffer {
        var buffer = ByteBuffer()
        let words = client.words
        buffer.writeMultipleIntegers(words.high, words.low, high, low)
        return buffer
    }

    /// Reads ``bytes``; `nil` for another number of bytes.
    public init?(_ bytes: ByteBuffer) {
        var bytes = bytes
        guard bytes.readableBytes == Self.size,
            let words = bytes.readMultipleIntegers(as: (UInt64, UInt64, UInt64, UInt64).self)
        else { return nil }
        self.init(client: ClientID(words: (words.0, words.1)), high: words.2, low: words.3)
    }
}
