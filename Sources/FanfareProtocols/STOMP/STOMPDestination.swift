import FanfareWire

/// Where a frame goes: `/topic/<channel>`, or a channel's bare name, which has no slash at its front. Both ways it says the same: a
/// channel has one text in each form, and a text is one channel.
public struct STOMPDestination: Sendable, Equatable {
    public let channel: ChannelName
    /// Whether it is the name alone.
    public let isBare: Bool

    static let prefix: StaticString = "/topic/"

    public init(_ channel: ChannelName, isBare: Bool) { (self.channel, self.isBare) = (channel, isBare) }

    /// Throws what is wrong with it, in words for the client.
    ///
    /// - Parameter limit: bytes of a channel's name.
    public init(_ text: ExactText, limit: Int) throws(STOMPError) {
        let prefix = "\(Self.prefix)".utf8
        isBare = text.utf8.first != UInt8(ascii: "/")
        guard isBare || text.utf8.starts(with: prefix) else {
            throw STOMPError("a destination is /topic/<channel> or a channel's name; there are no others here")
        }
        let name = isBare ? text.string : String(decoding: text.utf8.dropFirst(prefix.count), as: UTF8.self)
        do {
            channel = try ChannelName(name, limit: limit)
        } catch {
            throw STOMPError("destination: \(error)")
        }
    }

    /// As a client says it.
    public var text: ExactText { isBare ? channel.text : ExactText("\(Self.prefix)\(channel)") }
}
