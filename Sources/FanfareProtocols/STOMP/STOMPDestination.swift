import FanfareWire

/// Where a frame goes. Each form says the same both ways: a channel has one text in each that it can have, and a text is one channel.
public struct STOMPDestination: Sendable, Equatable {
    public enum Form: CaseIterable, Sendable {
        /// `/topic/<channel>`.
        case topic
        /// The name alone, which has no slash at its front.
        case bare
        /// `/user/queue/<name>`: the channel `<name>#<user>` of the client's own user (docs/authentication.md).
        case user
    }

    public let channel: ChannelName
    public let form: Form

    static let topicPrefix: StaticString = "/topic/"
    static let userPrefix: StaticString = "/user/queue/"
    private static let mark = UInt8(ascii: "#")

    public init(_ channel: ChannelName, _ form: Form) { (self.channel, self.form) = (channel, form) }

    /// Throws what is wrong with it, in words for the client.
    ///
    /// - Parameters:
    ///   - user: who says it; empty: nobody.
    ///   - limit: bytes of a channel's name.
    public init(_ text: ExactText, user: ExactText = "", limit: Int) throws(STOMPError) {
        let name: String
        if text.utf8.first != UInt8(ascii: "/") {
            (form, name) = (.bare, text.string)
        } else if let rest = Self.rest(of: text, behind: Self.topicPrefix) {
            (form, name) = (.topic, rest)
        } else if let rest = Self.rest(of: text, behind: Self.userPrefix) {
            (form, name) = (.user, try Self.channel(rest, of: user))
        } else {
            throw STOMPError(
                "a destination is /topic/<channel>, /user/queue/<name> or a channel's name; there are no others here")
        }
        do {
            channel = try ChannelName(name, limit: limit)
        } catch {
            throw STOMPError("destination: \(error)")
        }
    }

    private static func rest(of text: ExactText, behind prefix: StaticString) -> String? {
        let prefix = "\(prefix)".utf8
        guard text.utf8.starts(with: prefix) else { return nil }
        return String(decoding: text.utf8.dropFirst(prefix.count), as: UTF8.self)
    }

    /// The name of a user's own channel. What stands in it for somebody else is refused: ``ChannelBoundary`` would read it.
    private static func channel(_ name: String, of user: ExactText) throws(STOMPError) -> String {
        guard !user.isEmpty else { throw STOMPError("/user/queue/… is for clients with a user") }
        guard !user.utf8.contains(UInt8(ascii: ";")) else {
            throw STOMPError("/user/queue/… can't be had by a user whose id has a semicolon")
        }
        guard !name.isEmpty, name.utf8.first != UInt8(ascii: "$"), !name.utf8.contains(mark) else {
            throw STOMPError("the name behind /user/queue/ is not empty, has no # and no $ at its front")
        }
        return "\(name)#\(user)"
    }

    /// A channel's name as it stands behind a form's prefix.
    static func name(_ channel: ChannelName, in form: Form) -> ExactText {
        guard form == .user else { return channel.text }
        return ExactText(Substring(channel.string.utf8.prefix { $0 != mark }))
    }

    static func prefix(_ form: Form) -> StaticString {
        switch form {
        case .topic: topicPrefix
        case .bare: ""
        case .user: userPrefix
        }
    }

    /// As a client says it.
    public var text: ExactText { ExactText("\(Self.prefix(form))\(Self.name(channel, in: form))") }
}
