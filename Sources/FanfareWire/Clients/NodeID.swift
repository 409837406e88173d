/// Which node of the cluster: drawn anew at every start, so that a node that comes back is another one and nothing that was
/// meant for the first reaches the second.
public struct NodeID: Hashable, Sendable, CustomStringConvertible {
    /// So many bits, for client ids hold one beside 96 random bits. Among 100 nodes two have the same id in 1 of 13,000
    /// starts; then both say so (``ControlCounter/conflicts``).
    public static let bits = 26

    public let rawValue: UInt32

    /// - Parameter rawValue: `nil` for one with more than ``bits`` bits.
    public init?(rawValue: UInt32) {
        guard rawValue < 1 << UInt32(Self.bits) else { return nil }
        self.rawValue = rawValue
    }

    private init(_ rawValue: UInt32) { self.rawValue = rawValue }

    /// A node that starts now.
    public static func random() -> NodeID { NodeID(UInt32.random(in: 0..<1 << UInt32(bits))) }

    /// Seven hexadecimal digits.
    public var description: String {
        let digits = String(rawValue, radix: 16)
        return String(repeating: "0", count: 7 - digits.count) + digits
    }
}
