/// A place in a channel's stream: everything up to `offset` is behind it (Centrifuge client protocol: StreamPosition).
///
/// Offsets begin at 1 and grow with every publication; 0 is the place before the first. They mean something only within
/// their epoch, which names one life of the stream: when Redis lost it, another one begins.
public struct StreamPosition: Sendable, Hashable, CustomStringConvertible {
    /// Most bytes of an epoch; what a string holds without memory of its own.
    public static let maximumEpochBytes = 15

    public var offset: UInt64
    public var epoch: String

    public init(offset: UInt64, epoch: String) {
        self.offset = offset
        self.epoch = epoch
    }

    /// Reads `<offset>.<epoch>`, as raw clients write it; `nil` when it is none.
    public init?(_ text: some StringProtocol) {
        guard let dot = text.firstIndex(of: "."), let offset = UInt64(text[..<dot]) else { return nil }
        let epoch = text[text.index(after: dot)...]
        guard Self.isEpoch(epoch) else { return nil }
        self.init(offset: offset, epoch: String(epoch))
    }

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
        return String((0..<8).map { _ in letters[Int.random(in: 0..<letters.count)] })
    }
}
