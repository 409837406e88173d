/// Where the clients are that a format with parameters is made for: what is short is shared among these.
public struct FormatMaker: Hashable, Sendable {
    private let name: ExactText

    /// - Parameter name: of a network: an IPv4 address, or an IPv6 network that one customer may have all of.
    public init(_ name: ExactText) { self.name = name }

    /// Whoever has no address. They count as one.
    public static let unknown = FormatMaker("")
}
