/// Channels of the nodes themselves. They begin with `*`, which ``ChannelName/init(_:limit:)`` refuses: no client, no backend's
/// request and no namespace can name one.
extension ChannelName {
    /// What all nodes hear: `*control`.
    package static let control = ChannelName(ownName: "*control")

    /// What one node hears: `*node:` and its id.
    package static func node(_ id: some CustomStringConvertible) -> ChannelName {
        ChannelName(ownName: nodePrefix + id.description)
    }

    /// Whether it is a node's own.
    public var isReserved: Bool { string.utf8.first == UInt8(ascii: "*") }

    /// One of the above by its text, as it comes from Redis; `nil` for everything else.
    package init?(reserved text: String) {
        guard text.utf8.elementsEqual(Self.control.string.utf8) || Self.isNode(text) else { return nil }
        self.init(ownName: text)
    }

    private static let nodePrefix = "*node:"

    /// Whether a text is ``nodePrefix`` and seven hexadecimal digits.
    private static func isNode(_ text: String) -> Bool {
        text.utf8.count == nodePrefix.utf8.count + 7 && text.utf8.starts(with: nodePrefix.utf8)
            && text.utf8.suffix(7).allSatisfy { byte in
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
            }
    }
}
