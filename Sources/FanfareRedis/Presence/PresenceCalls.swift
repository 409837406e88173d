import FanfareCore
import FanfareWire
import NIOCore

/// A channel's members as script calls, and their answers as what the contract speaks of.
struct PresenceCalls: Sendable {
    let streams: StreamCalls
    let ttl: Duration
    /// Microseconds since 1970.
    let now: @Sendable () -> UInt64

    func join(
        _ members: [ClientInfo], _ channel: ChannelName, _ rules: ChannelRules, returning: Bool
    ) -> PublisherLink.Order.Task {
        call(
            .presenceJoin, channel, rules,
            [number(returning ? 1 : 0)] + members.flatMap { [ByteBuffer(string: $0.client.string), $0.json] })
    }

    func leave(_ clients: [ExactText], _ channel: ChannelName, _ rules: ChannelRules) -> PublisherLink.Order.Task {
        call(.presenceLeave, channel, rules, clients.map { ByteBuffer(string: $0.string) })
    }

    func refresh(_ clients: [ExactText], _ channel: ChannelName, _ rules: ChannelRules) -> PublisherLink.Order.Task {
        call(.presenceRefresh, channel, rules, clients.map { ByteBuffer(string: $0.string) })
    }

    func reap(_ channel: ChannelName, _ rules: ChannelRules) -> PublisherLink.Order.Task {
        call(.presenceReap, channel, rules, [])
    }

    func members(
        _ channel: ChannelName, _ rules: ChannelRules, limit: Int, maxBytes: Int
    ) -> PublisherLink.Order.Task {
        call(.presenceMembers, channel, rules, [number(limit), number(maxBytes)])
    }

    func stats(_ channel: ChannelName, _ rules: ChannelRules) -> PublisherLink.Order.Task {
        call(.presenceStats, channel, rules, [])
    }

    /// The answer to a change; `nil` when it is not of the scripts' form.
    static func outlook(_ reply: ReplyView) -> PresenceChange? {
        guard let left = reply[reply.count - 1]?.integer else { return nil }
        var missing: [ExactText] = []
        if reply.count > 1, let list = reply[0] {
            missing = (0..<list.count).compactMap { list[$0]?.text }.map { ExactText($0) }
        }
        return PresenceChange(missing: missing, nextExpiry: left < 0 ? nil : .milliseconds(left))
    }

    /// The answer to a read; a member that no node wrote is left out.
    static func page(_ reply: ReplyView) -> PresencePage? {
        guard let total = reply[0]?.integer, let infos = reply[1] else { return nil }
        let members = (0..<infos.count).compactMap {
            infos[$0].flatMap { ClientInfo(json: ByteBuffer(bytes: $0.bytes)) }
        }
        return PresencePage(members: members, total: infos.count == 0 ? total : members.count)
    }

    static func stats(_ reply: ReplyView) -> PresenceStats? {
        guard let clients = reply[0]?.integer, let users = reply[1]?.integer else { return nil }
        return PresenceStats(clients: clients, users: users)
    }

    private func call(
        _ script: RedisScript, _ channel: ChannelName, _ rules: ChannelRules, _ arguments: [ByteBuffer]
    ) -> PublisherLink.Order.Task {
        let events =
            rules.joinLeave
            ? [
                streams.kind.publish, streams.name(channel), Envelope.header(.join, at: now()),
                Envelope.header(.leave, at: now()),
            ]
            : [ByteBuffer](repeating: ByteBuffer(), count: 4)
        return .script(
            script, channel, keys: ["presence", "expiry", "users", "gone"].map { streams.key(channel, $0) },
            arguments: [number(max(1, Int(ttl.microseconds / 1_000)))] + events + arguments)
    }

    private func number(_ value: Int) -> ByteBuffer { ByteBuffer(string: String(value)) }
}
