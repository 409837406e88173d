/// The id by which a client is known in presence, logs and commands: 128 bits in the form of a UUID. The first 32 say where it
/// is, 26 its node and 6 its event loop, so that whoever has an id knows whom to ask; 96 are random, so that nobody guesses one.
public struct ClientID: Hashable, Sendable, CustomStringConvertible {
    /// Event loops that an id can tell apart; a node has fewer.
    public static let maximumLoops = 64

    /// Of its ``words``.
    public static let bytes = 16
    /// Of its ``description``.
    static let textBytes = 36

    public let node: NodeID
    /// Index of the event loop.
    public let loop: Int
    private let high: UInt32
    private let low: UInt64

    private init(node: NodeID, loop: Int, high: UInt32, low: UInt64) {
        self.node = node
        self.loop = loop
        self.high = high
        self.low = low
    }

    /// A client that begins now.
    ///
    /// - Parameter loop: below ``maximumLoops``.
    public static func make(node: NodeID, loop: Int) -> ClientID {
        precondition((0..<maximumLoops).contains(loop), "a client id has six bits for its event loop")
        // The system's generator, which is fit for secrets.
        return ClientID(
            node: node, loop: loop, high: UInt32.random(in: 0...UInt32.max), low: UInt64.random(in: 0...UInt64.max))
    }

    /// Any 128 bits are an id.
    public init(words: (high: UInt64, low: UInt64)) {
        self.init(
            node: NodeID(words.high), loop: Int(words.high >> 32 & 63), high: UInt32(truncatingIfNeeded: words.high),
            low: words.low)
    }

    /// Its 128 bits.
    public var words: (high: UInt64, low: UInt64) {
        (UInt64(node.rawValue) << 38 | UInt64(loop) << 32 | UInt64(high), low)
    }

    /// Reads what ``description`` writes; `nil` for anything else. That it reads says nothing of whether there is such a client.
    public init?(_ text: ExactText) {
        self.init(Array(text.utf8))
    }

    /// The same of bytes.
    init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.textBytes else { return nil }
        var words: (UInt64, UInt64) = (0, 0)
        for (place, byte) in bytes.enumerated() {
            if Self.isDash(place) {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard let digit = HexDigit.value(byte) else { return nil }
            words = (words.0 << 4 | words.1 >> 60, words.1 << 4 | UInt64(digit))
        }
        self.init(words: words)
    }

    /// Thirty-two hexadecimal digits in five groups.
    public var description: String {
        let words = words
        return String(unsafeUninitializedCapacity: Self.textBytes) { buffer in
            var place = 0
            for word in [words.high, words.low] {
                for shift in stride(from: 60, through: 0, by: -4) {
                    if Self.isDash(place) {
                        buffer[place] = UInt8(ascii: "-")
                        place += 1
                    }
                    buffer[place] = HexDigit.character(UInt8(truncatingIfNeeded: word >> UInt64(shift) & 15))
                    place += 1
                }
            }
            return place
        }
    }

    private static func isDash(_ place: Int) -> Bool { place == 8 || place == 13 || place == 18 || place == 23 }
}
