import FanfareWire

/// Which rules hold for which channel: `chat:42` is in the namespace `chat`, `42` in none.
///
/// One for the whole node, shared by reference: every session asks it.
public final class ChannelRulebook: Sendable {
    /// For channels without a namespace.
    public let plain: ChannelRules
    /// By name. While there are none, a colon in a channel's name means nothing.
    public let namespaces: [ExactText: ChannelRules]
    /// From a member's last refresh to the end of its presence: how long those of a dead node stay.
    public let presenceTTL: Duration

    public init(
        plain: ChannelRules = ChannelRules(), namespaces: [ExactText: ChannelRules] = [:],
        presenceTTL: Duration = .seconds(60)
    ) {
        self.plain = plain
        self.namespaces = namespaces
        self.presenceTTL = presenceTTL
    }

    /// The rules of a channel; `nil` when its namespace is not known, and for the nodes' own channels, which have none: nothing is
    /// kept of them, and nobody is a member.
    public func rules(_ channel: ChannelName) -> ChannelRules? {
        guard !channel.isReserved else { return nil }
        guard !namespaces.isEmpty, let namespace = Self.namespace(channel) else { return plain }
        return namespaces[namespace]
    }

    /// What stands before the first colon.
    public static func namespace(_ channel: ChannelName) -> ExactText? {
        channel.string.utf8.firstIndex(of: UInt8(ascii: ":")).map { ExactText(channel.string[..<$0]) }
    }

    /// Whether the broker keeps members of any channel.
    public var keepsMembers: Bool { plain.keepsMembers || namespaces.values.contains { $0.keepsMembers } }

    /// Whether any channel may have history.
    public var hasHistory: Bool { plain.history != nil || namespaces.values.contains { $0.history != nil } }
}
