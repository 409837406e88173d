import FanfareWire

/// What may be done in a channel.
public struct ChannelActions: OptionSet, Sendable, Hashable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Hear of its publications.
    public static let subscribe = ChannelActions(rawValue: 1)
    /// Publish into it.
    public static let publish = ChannelActions(rawValue: 2)
    /// See who is in it.
    public static let presence = ChannelActions(rawValue: 4)
    /// Read what was published before.
    public static let history = ChannelActions(rawValue: 8)

    /// The short names that tokens use: `sub`, `pub`, `prs`, `hst`; `nil` for any other.
    public init?(tokenName: ExactText) {
        switch tokenName {
        case "sub": self = .subscribe
        case "pub": self = .publish
        case "prs": self = .presence
        case "hst": self = .history
        default: return nil
        }
    }
}

extension ChannelActions {
    /// The names that tokens use.
    public var names: [String] {
        ["sub", "pub", "prs", "hst"].filter { ChannelActions(tokenName: ExactText($0)).map(contains) == true }
    }
}

/// What a client may do in some channels: one entry of the claim `caps`.
public struct ChannelCapability: Sendable, Equatable {
    /// Names of channels; with ``isWildcard`` patterns.
    public var channels: [ExactText]
    /// Whether a `*` in a name stands for any text, also for none.
    public var isWildcard: Bool
    /// What is allowed there.
    public var allow: ChannelActions

    public init(channels: [ExactText], isWildcard: Bool = false, allow: ChannelActions) {
        self.channels = channels
        self.isWildcard = isWildcard
        self.allow = allow
    }

    /// Whether `channel` is one of those meant. At most the product of both lengths in steps, whatever the pattern.
    public func covers(_ channel: ExactText) -> Bool {
        channels.contains {
            isWildcard ? Self.matches($0.utf8, channel.utf8) : $0.utf8.elementsEqual(channel.utf8)
        }
    }

    /// Remembers only the last `*`: when the rest fails, it takes one byte more.
    private static func matches(_ pattern: String.UTF8View, _ text: String.UTF8View) -> Bool {
        var (place, index) = (pattern.startIndex, text.startIndex)
        var retry: (place: String.Index, index: String.Index)?
        while index < text.endIndex {
            if place < pattern.endIndex, pattern[place] == UInt8(ascii: "*") {
                pattern.formIndex(after: &place)
                retry = (place, index)
            } else if place < pattern.endIndex, pattern[place] == text[index] {
                pattern.formIndex(after: &place)
                text.formIndex(after: &index)
            } else if let (start, from) = retry {
                index = text.index(after: from)
                retry = (start, index)
                place = start
            } else {
                return false
            }
        }
        return pattern[place...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}

extension [ChannelCapability] {
    /// Everything that is allowed in `channel`.
    public func actions(in channel: ExactText) -> ChannelActions {
        reduce(into: []) { if $1.covers(channel) { $0.formUnion($1.allow) } }
    }
}
