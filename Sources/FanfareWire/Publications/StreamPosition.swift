/// A place in a channel's stream: everything up to `offset` is behind it (Centrifuge client protocol: StreamPosition).
///
/// Offsets begin at 1 and grow with every publication; 0 is the place before the first. They mean something only within
/// their epoch, which names one life of the stream: when Redis lost it, another one begins.
public struct StreamPosition: Sendable, Hashable, CustomStringConvertible {
    /// Bytes of those that nodes make.
    static let usualEpochBytes = 8
    /// How a position is written, for whoever wrote something else.
    public static let form = "<offset>.<epoch>, as in 42.k3vxq7ab"

    public var offset: UInt64
    public var epoch: String

    public init(offset: UInt64, epoch: String) {
        self.offset = offset
        self.epoch = epoch
    }

    /// Reads what ``description`` writes, and nothing else: as an event's id, as `?since=` and as `Last-Event-ID`, a position
    /// has one form. `nil` when it is none.
    public init?(_ text: some StringProtocol) {
        guard text.utf8.count <= Self.maximumTextBytes, let dot = text.utf8.firstIndex(of: UInt8(ascii: ".")),
            let offset = Self.offset(text.utf8[..<dot])
        else { return nil }
        let epoch = text[text.utf8.index(after: dot)...]
        guard Self.isEpoch(epoch) else { return nil }
        self.init(offset: offset, epoch: String(epoch))
    }

    /// A number as it is written: digits, without a sign and without zeros before them.
    private static func offset(_ digits: some Collection<UInt8>) -> UInt64? {
        guard digits.first != UInt8(ascii: "0") || digits.count == 1,
            digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        return UInt64(String(decoding: digits, as: UTF8.self))
    }

    /// `<offset>.<epoch>`.
    public var description: String { "\(offset).\(epoch)" }

    /// Whether a text can be an epoch: 1 to 15 letters and digits of ASCII.
    public static func isEpoch(_ text: some StringProtocol) -> Bool {
        (1...maximumEpochBytes).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: false
                }
            }
    }

    /// A name for a stream that begins now.
    public static func makeEpoch() -> String {
        let letters = Array("abcdefghijklmnopqrstuvwxyz234567")
        return String((0..<usualEpochBytes).map { _ in letters[Int.random(in: 0..<letters.count)] })
    }
}
