/// Which node of the cluster: drawn anew at every start, so that a node that comes back is another one and nothing that was
/// meant for the first reaches the second.
public struct NodeID: Hashable, Sendable, CustomStringConvertible {
    /// So many bits, for client ids hold one beside 96 random bits. Among 100 nodes two have the same id in 1 of 13,000
    /// starts; then both say so.
    public static let bits = 26

    public let rawValue: UInt32

    /// - Parameter rawValue: `nil` for one with more than ``bits`` bits.
    public init?(rawValue: UInt32) {
        guard rawValue < 1 << UInt32(Self.bits) else { return nil }
        self.rawValue = rawValue
    }

    /// The upper bits of a client id.
    init(_ words: UInt64) { rawValue = UInt32(words >> UInt64(64 - Self.bits)) }

    /// A node that starts now.
    public static func random() -> NodeID { NodeID(UInt64.random(in: 0...UInt64.max)) }

    /// Seven hexadecimal digits.
    public var description: String {
        let digits = String(rawValue, radix: 16)
        return String(repeating: "0", count: 7 - digits.count) + digits
    }
}
