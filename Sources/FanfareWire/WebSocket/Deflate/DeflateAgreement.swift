/// Whether and how a node takes part in permessage-deflate.
public struct DeflatePolicy: Sendable, Equatable {
    /// Whether clients may compress with what they sent before: smaller messages, at the price of a window for each.
    public var clientContext: Bool

    public init(clientContext: Bool) { self.clientContext = clientContext }
}

/// permessage-deflate as it was agreed on for one connection (RFC 7692 §7.1).
///
/// The node never uses context of its own (`server_no_context_takeover`): a publication is compressed once for all its
/// subscribers, so its frame must make sense to each of them, whatever that one heard before.
public struct DeflateAgreement: Sendable, Equatable {
    /// Whether the client's messages may refer to its earlier ones.
    public let clientContext: Bool
    /// Size of the client's window, as a power of two.
    let clientWindowBits: Int
    /// Size of the window of what the node sends, as a power of two.
    public let serverWindowBits: Int
    /// Whether that does for the frames that all share. If not, the client gets the plain ones.
    public var takesSharedFrames: Bool { serverWindowBits == Deflater.sharedWindowBits }
    /// What `Sec-WebSocket-Extensions` of the 101 says.
    public let answer: String

    /// With context, a client that lets us choose is held to so much: 4 KB of memory.
    private static let contextWindowBits = 12

    /// Bytes by which compression can make a message longer at most: with fixed codes an eighth, and what blocks and the
    /// flush add (zlib's `deflateBound` for small windows).
    static func growth(_ bytes: Int) -> Int { bytes / 8 + bytes / 64 + 64 }

    /// The first offer that can be accepted; `nil`: none, and messages go as they are.
    static func negotiate(_ offers: [ExtensionOffer], _ policy: DeflatePolicy) -> DeflateAgreement? {
        for offer in offers where offer.name.isToken("permessage-deflate") {
            if let parameters = Parameters(offer) { return DeflateAgreement(parameters, policy) }
        }
        return nil
    }

    private init(_ offered: Parameters, _ policy: DeflatePolicy) {
        clientContext = policy.clientContext && !offered.clientNoContext
        var answer = "permessage-deflate; server_no_context_takeover"
        if !clientContext { answer += "; client_no_context_takeover" }
        if let bits = offered.serverWindowBits { answer += "; server_max_window_bits=\(bits)" }
        if clientContext, let bits = offered.clientWindowBits {
            clientWindowBits = min(bits, Self.contextWindowBits)
            answer += "; client_max_window_bits=\(clientWindowBits)"
        } else {
            clientWindowBits = 15
        }
        serverWindowBits = min(offered.serverWindowBits ?? 15, Deflater.sharedWindowBits)
        self.answer = answer
    }

    /// The parameters of an offer, when all of them are known, well-formed and there once (RFC 7692 §7).
    private struct Parameters {
        var clientNoContext = false
        var serverNoContext = false
        var serverWindowBits: Int?
        /// Offered without a value: 15.
        var clientWindowBits: Int?

        init?(_ offer: ExtensionOffer) {
            for parameter in offer.parameters {
                switch (parameter.name.asciiLowercased, parameter.value) {
                case ("server_no_context_takeover", nil) where !serverNoContext: serverNoContext = true
                case ("client_no_context_takeover", nil) where !clientNoContext: clientNoContext = true
                case ("client_max_window_bits", nil) where clientWindowBits == nil: clientWindowBits = 15
                case ("client_max_window_bits", let value?) where clientWindowBits == nil:
                    guard let bits = Self.bits(value) else { return nil }
                    clientWindowBits = bits
                case ("server_max_window_bits", let value?) where serverWindowBits == nil:
                    guard let bits = Self.bits(value) else { return nil }
                    serverWindowBits = bits
                default: return nil
                }
            }
        }

        /// 8 to 15, without a leading zero.
        private static func bits(_ text: String) -> Int? {
            switch text {
            case "8": 8
            case "9": 9
            case "10": 10
            case "11": 11
            case "12": 12
            case "13": 13
            case "14": 14
            case "15": 15
            default: nil
            }
        }
    }
}
