import FanfareCore
import FanfareTestKit
import FanfareWire

@testable import FanfareRedis

extension BrokerProbe {
    /// All channels have presence and join-leave; `quiet:` has presence alone, `none:` nothing.
    static func presenceRules(ttl: Duration) -> ChannelRulebook {
        var all = ChannelRules()
        all.presence = true
        all.joinLeave = true
        var quiet = ChannelRules()
        quiet.presence = true
        return ChannelRulebook(plain: all, namespaces: ["quiet": quiet, "none": ChannelRules()], presenceTTL: ttl)
    }

    static func redis(_ url: String, presenceTTL ttl: Duration) throws -> BrokerProbe {
        try redis(url, rules: presenceRules(ttl: ttl))
    }

    @discardableResult
    func join(_ infos: [ClientInfo], _ channel: String, returning: Bool = false) async throws -> PresenceChange {
        let name = try ChannelName(channel)
        return try await withCheckedContinuation { continuation in
            broker.join(infos, name, returning: returning) { continuation.resume(returning: $0) }
        }.get()
    }

    @discardableResult
    func join(_ clients: String..., in channel: String, returning: Bool = false) async throws -> PresenceChange {
        try await join(clients.map { ClientInfo(client: ExactText($0)) }, channel, returning: returning)
    }

    @discardableResult
    func leave(_ clients: String..., in channel: String) async throws -> PresenceChange {
        try await leave(clients, in: channel)
    }

    @discardableResult
    func leave(_ clients: [String], in channel: String) async throws -> PresenceChange {
        let name = try ChannelName(channel)
        return try await withCheckedContinuation { continuation in
            broker.leave(clients.map { ExactText($0) }, name) { continuation.resume(returning: $0) }
        }.get()
    }

    @discardableResult
    func refresh(_ clients: String..., in channel: String) async throws -> PresenceChange {
        let name = try ChannelName(channel)
        return try await withCheckedContinuation { continuation in
            broker.refresh(clients.map { ExactText($0) }, name) { continuation.resume(returning: $0) }
        }.get()
    }

    @discardableResult
    func reap(_ channel: String) async throws -> PresenceChange {
        let name = try ChannelName(channel)
        return try await withCheckedContinuation { continuation in
            broker.reap(name) { continuation.resume(returning: $0) }
        }.get()
    }

    func page(_ channel: String, limit: Int = 1_000, maxBytes: Int = .max / 2) async throws -> PresencePage {
        let name = try ChannelName(channel)
        return try await withCheckedContinuation { continuation in
            broker.presence(of: name, limit: limit, maxBytes: maxBytes) { continuation.resume(returning: $0) }
        }.get()
    }

    /// The clients in a channel, in order of their names.
    func clients(_ channel: String) async throws -> [String] {
        try await page(channel).members.map(\.client.string).sorted()
    }

    func stats(_ channel: String) async throws -> PresenceStats {
        let name = try ChannelName(channel)
        return try await withCheckedContinuation { continuation in
            broker.presenceStats(of: name) { continuation.resume(returning: $0) }
        }.get()
    }

    /// What a receiver heard of who comes and goes: `+client`, `-client`.
    func comings(_ receiver: Int = 0) -> [String] {
        events(receiver).compactMap {
            guard case .presence(let prepared) = $0 else { return nil }
            return (prepared.event.kind == .join ? "+" : "-") + prepared.event.info.client.string
        }
    }
}
