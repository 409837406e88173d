import FanfareWire

/// A topic is a channel: its name, with the three characters escaped that a topic name can't hold or that escape others. `%23` stands for
/// `#`, `%2B` for `+` and `%25` for `%`; nothing else is escaped, so each channel has one topic and a topic is one channel.
struct MQTTTopic: Sendable, Equatable {
    let channel: ChannelName

    init(_ channel: ChannelName) { self.channel = channel }

    /// The channel of a topic name; `nil` where there is none: it holds what a channel's name can't, or a `%` that escapes nothing.
    ///
    /// - Parameter limit: bytes of a channel's name.
    init?(_ name: ExactText, limit: Int) {
        guard !Self.isShared(name), let text = Self.unescaped(name),
            let channel = try? ChannelName(text, limit: limit)
        else { return nil }
        self.channel = channel
    }

    /// As a client says it.
    var name: ExactText {
        guard channel.string.utf8.contains(where: Self.isSpecial) else { return channel.text }
        var bytes: [UInt8] = []
        for byte in channel.string.utf8 {
            switch byte {
            case UInt8(ascii: "#"): bytes += "%23".utf8
            case UInt8(ascii: "+"): bytes += "%2B".utf8
            case UInt8(ascii: "%"): bytes += "%25".utf8
            default: bytes.append(byte)
            }
        }
        return ExactText(String(decoding: bytes, as: UTF8.self))
    }

    private static func isSpecial(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "#") || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "%")
    }

    private static func unescaped(_ name: ExactText) -> ExactText? {
        guard name.utf8.contains(where: isSpecial) else { return name }
        var (bytes, rest) = ([UInt8](), Array(name.utf8)[...])
        while let byte = rest.popFirst() {
            guard isSpecial(byte) else {
                bytes.append(byte)
                continue
            }
            // The others don't stand for themselves.
            guard byte == UInt8(ascii: "%") else { return nil }
            switch (rest.popFirst(), rest.popFirst()) {
            case (UInt8(ascii: "2"), UInt8(ascii: "3")): bytes.append(UInt8(ascii: "#"))
            case (UInt8(ascii: "2"), UInt8(ascii: "B")): bytes.append(UInt8(ascii: "+"))
            case (UInt8(ascii: "2"), UInt8(ascii: "5")): bytes.append(UInt8(ascii: "%"))
            default: return nil
            }
        }
        return ExactText(String(decoding: bytes, as: UTF8.self))
    }

    // MARK: Topic filters

    /// What a topic filter is (§4.7, §4.8.2).
    enum Filter: Sendable, Equatable {
        /// The name of one topic.
        case exact
        /// One with `+` or `#`, each alone in its level, the latter last.
        case wildcard
        /// `$share/name/filter`.
        case shared
        /// Against the rules.
        case invalid
    }

    static func hasWildcard(_ text: ExactText) -> Bool {
        text.utf8.contains { $0 == UInt8(ascii: "#") || $0 == UInt8(ascii: "+") }
    }

    /// Whether it begins as a shared subscription does.
    static func isShared(_ text: ExactText) -> Bool { text.utf8.starts(with: "$share/".utf8) }

    static func filter(_ text: ExactText) -> Filter {
        guard isShared(text) else { return plainFilter(text.utf8[...]) }
        let rest = text.utf8.dropFirst("$share/".utf8.count)
        guard let slash = rest.firstIndex(of: UInt8(ascii: "/")), slash > rest.startIndex,
            !rest[..<slash].contains(where: { $0 == UInt8(ascii: "#") || $0 == UInt8(ascii: "+") }),
            plainFilter(rest[rest.index(after: slash)...]) != .invalid
        else { return .invalid }
        return .shared
    }

    private static func plainFilter(_ text: Substring.UTF8View) -> Filter {
        guard !text.isEmpty else { return .invalid }
        guard text.contains(where: { $0 == UInt8(ascii: "#") || $0 == UInt8(ascii: "+") }) else { return .exact }
        let levels = text.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        for (index, level) in levels.enumerated() {
            if level.contains(UInt8(ascii: "#")), level.count > 1 || index < levels.count - 1 { return .invalid }
            if level.contains(UInt8(ascii: "+")), level.count > 1 { return .invalid }
        }
        return .wildcard
    }
}
