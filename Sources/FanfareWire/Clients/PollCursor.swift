/// With what a poller comes back for what was kept for it between two polls: `<id>.<answers>`.
///
/// The id says where it is kept, and nobody guesses one; it is known to nobody but the poller. The number says how many answers the
/// poller has had, so that one which got lost on its way comes again, and none comes twice.
public struct PollCursor: Sendable, Hashable, CustomStringConvertible {
    /// Most digits of a number: what no poller reaches.
    private static let digits = 12

    public let id: ClientID
    public var answers: UInt64

    public init(id: ClientID, answers: UInt64 = 0) { (self.id, self.answers) = (id, answers) }

    /// Reads what ``description`` writes; `nil` for anything else.
    public init?(_ text: some Collection<UInt8>) {
        guard text.count > 37, text.count <= 37 + Self.digits else { return nil }
        let bytes = Array(text)
        let number = bytes[37...]
        guard bytes[36] == UInt8(ascii: "."), number.first != UInt8(ascii: "0") || number.count == 1,
            number.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let id = ClientID(ExactText(String(decoding: bytes[..<36], as: UTF8.self))),
            let answers = UInt64(String(decoding: number, as: UTF8.self))
        else { return nil }
        self.init(id: id, answers: answers)
    }

    public var description: String { "\(id).\(answers)" }
}
