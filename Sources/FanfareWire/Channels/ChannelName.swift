/// The name of a channel: a stream of publications that clients subscribe to.
///
/// A valid name is 1 to 255 bytes of UTF-8 (the node may be configured to allow fewer) without control characters
/// (U+0000–U+001F, U+007F–U+009F), spaces, and the four reserved characters `*` (patterns and the node's own Redis
/// channels), `{`, `}` (Redis hash tags) and `,` (lists of channels). Everything else means what its user wants.
///
/// Two names are equal when their bytes are, as in Redis: Swift's canonical equivalence would merge channels there that
/// the other nodes keep apart.
public struct ChannelName: Hashable, Sendable, CustomStringConvertible {
    /// The name as text; always native and contiguous UTF-8.
    public let string: String

    /// Checks `string` against the rules above.
    ///
    /// - Parameter limit: most bytes allowed here, at most ``maximumBytes``.
    public init(_ string: String, limit: Int = ChannelName.maximumBytes) throws(ChannelNameError) {
        var string = string
        string.makeContiguousUTF8()
        let count = string.utf8.count
        guard count > 0 else { throw .empty }
        guard count <= Swift.min(limit, Self.maximumBytes) else { throw .tooLong(bytes: count, limit: limit) }
        for scalar in string.unicodeScalars {
            switch scalar.value {
            case 0...0x20, 0x7F...0x9F, 0x2A, 0x2C, 0x7B, 0x7D: throw .forbidden(scalar)
            default: continue
            }
        }
        self.string = string
    }

    /// Checks a text that somebody sent.
    public init(_ text: ExactText, limit: Int = ChannelName.maximumBytes) throws(ChannelNameError) {
        try self.init(text.string, limit: limit)
    }

    /// One of the node's own channels, in form of ``isReserved``. Nothing that a client, a backend or a configuration sends may
    /// come here.
    init(ownName string: String) { self.string = string }

    /// The name as text to compare with what is no checked name.
    public var text: ExactText { ExactText(string) }

    public var description: String { string }

    public static func == (lhs: ChannelName, rhs: ChannelName) -> Bool { lhs.string.hasSameBytes(as: rhs.string) }

    public func hash(into hasher: inout Hasher) { string.hashBytes(into: &hasher) }
}

/// Why a text is not a channel name; the description is fit for the client that sent it.
public enum ChannelNameError: Error, Equatable, CustomStringConvertible {
    /// No characters at all.
    case empty
    /// More bytes of UTF-8 than the limit.
    case tooLong(bytes: Int, limit: Int)
    /// A character that no channel name may hold.
    case forbidden(Unicode.Scalar)
    /// The bytes are not UTF-8.
    case notUTF8

    public var description: String {
        switch self {
        case .empty: "channel name is empty"
        case .tooLong(let bytes, let limit): "channel name has \(bytes) bytes, at most \(limit) are allowed"
        case .forbidden(let scalar): "channel name holds U+\(Self.hex(scalar)), which is not allowed"
        case .notUTF8: "channel name is not UTF-8"
        }
    }

    private static func hex(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
