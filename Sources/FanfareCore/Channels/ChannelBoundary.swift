import FanfareWire

/// What a channel's name alone says about who may come near it, whatever rules and capabilities say.
public enum ChannelBoundary: Sendable, Equatable {
    /// Nothing.
    case none
    /// `$name`: private. Who is let in has a subscription token for it, or is subscribed by the node.
    case token
    /// `name#42` or `name#42;43`: for these users only, whose ids the name ends with.
    case users([ExactText])

    public init(_ channel: ChannelName) {
        let name = channel.string
        // Most names say nothing, and this is asked for every publish of a client.
        let isPlain = name.utf8.withContiguousStorageIfAvailable { bytes in
            bytes.first != UInt8(ascii: "$") && !bytes.contains(UInt8(ascii: "#"))
        }
        if isPlain == true {
            self = .none
        } else if name.utf8.first == UInt8(ascii: "$") {
            self = .token
        } else if let mark = name.utf8.firstIndex(of: UInt8(ascii: "#")) {
            // A comma would be clearer, but separates channels where a list of them is written.
            // Bytes: as a character, a semicolon is also the GREEK QUESTION MARK, and none with an accent behind it.
            let users = name.utf8[name.utf8.index(after: mark)...]
                .split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
            self = .users(users.map { ExactText(Substring($0)) })
        } else {
            self = .none
        }
    }

    /// Whether the user with this id belongs; a client without a name never does.
    public func includes(user: ExactText) -> Bool {
        switch self {
        case .none, .token: true
        case .users(let users): !user.isEmpty && users.contains(user)
        }
    }
}
