/// How a publication reads to one kind of client, down to the bytes of its transport: an entry of a node's ``FormatTable``.
public struct WireFormat: Sendable, Hashable {
    /// Its place in the table.
    public let id: UInt16

    public init(id: UInt16) { self.id = id }
}
