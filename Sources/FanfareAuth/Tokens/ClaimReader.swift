import FanfareCore
import FanfareWire
import NIOCore

/// Takes claims out of a token's payload. A claim that is there and can't be read refuses the token: nobody shall be let in
/// for ever because a backend wrote `"exp": "soon"`.
struct ClaimReader {
    let claims: JSONMembers

    /// Most entries of a list in a token.
    static let maximumEntries = 256
    /// The end of the year 9999: a time beyond is one in milliseconds.
    private static let latest = 253_402_300_799.0

    func text(_ name: String) throws(TokenRefusal) -> String? {
        guard let value = claims[name] else { return nil }
        guard let text = value.string else { throw .claims }
        return text
    }

    /// A `NumericDate` (RFC 7519 §2), in whole seconds.
    func time(_ name: String) throws(TokenRefusal) -> Int64? {
        guard let value = claims[name] else { return nil }
        guard let number = Double(String(buffer: value.bytes)), number >= 0, number <= Self.latest else {
            throw .claims
        }
        return Int64(number)
    }

    /// One text or a list of them, as `aud` has it.
    func texts(_ name: String) throws(TokenRefusal) -> [String]? {
        guard let value = claims[name] else { return nil }
        if let one = value.string { return [one] }
        return try Self.texts(value)
    }

    /// `expire_at`, where 0 is never, else `exp`.
    func expiry() throws(TokenRefusal) -> Int64? {
        let exp = try time("exp")
        guard let override = try time("expire_at") else { return exp }
        return override == 0 ? nil : override
    }

    /// `b64info`, else `info`: JSON on one line.
    func info() throws(TokenRefusal) -> ByteBuffer? { try Self.info(claims) }

    /// `subs`, else `channels`.
    func subscriptions() throws(TokenRefusal) -> [ServerSubscription] {
        if let value = claims["subs"], !value.isNull {
            guard let subs = JSONMembers(value.bytes, limit: Self.maximumEntries),
                Set(subs.keys).count == subs.keys.count
            else { throw .claims }
            var found: [ServerSubscription] = []
            for channel in subs.keys {
                guard let options = subs[channel].flatMap({ JSONMembers($0.bytes) }) else { throw .claims }
                found.append(ServerSubscription(channel: channel, info: try Self.info(options)))
            }
            if !found.isEmpty { return found }
        }
        guard let value = claims["channels"], !value.isNull else { return [] }
        let channels = try Self.texts(value)
        guard Set(channels).count == channels.count else { throw .claims }
        return channels.map { ServerSubscription(channel: $0) }
    }

    /// `caps`: `[{"channels": [...], "match": "wildcard", "allow": ["sub", "pub", "prs", "hst"]}]`.
    func capabilities() throws(TokenRefusal) -> [ChannelCapability]? {
        guard let value = claims["caps"] else { return nil }
        guard let entries = value.elements, entries.count <= Self.maximumEntries else { throw .claims }
        var found: [ChannelCapability] = []
        for entry in entries {
            guard let members = JSONMembers(entry.bytes), let channels = members["channels"],
                let allow = members["allow"]
            else { throw .claims }
            let match = members["match"]
            guard match == nil || match?.string == "wildcard" || match?.string == "exact" else { throw .claims }
            found.append(
                ChannelCapability(
                    channels: try Self.texts(channels), isWildcard: match?.string == "wildcard",
                    allow: try Self.actions(allow)))
        }
        return found
    }

    /// `allow`: names of what may be done.
    func allow() throws(TokenRefusal) -> ChannelActions? {
        guard let value = claims["allow"] else { return nil }
        return try Self.actions(value)
    }

    private static func actions(_ value: JSONMembers.Value) throws(TokenRefusal) -> ChannelActions {
        var actions: ChannelActions = []
        for name in try texts(value) {
            guard let action = ChannelActions(tokenName: name) else { throw .claims }
            actions.formUnion(action)
        }
        return actions
    }

    private static func texts(_ value: JSONMembers.Value) throws(TokenRefusal) -> [String] {
        guard let elements = value.elements, elements.count <= maximumEntries else { throw .claims }
        var texts: [String] = []
        for element in elements {
            guard let text = element.string else { throw .claims }
            texts.append(text)
        }
        return texts
    }

    private static func info(_ claims: JSONMembers) throws(TokenRefusal) -> ByteBuffer? {
        if let value = claims["b64info"] {
            guard let bytes = value.string.flatMap({ Base64.decode($0.utf8) }),
                let json = JSONLine(ByteBuffer(bytes: bytes))
            else { throw .claims }
            return json.bytes
        }
        guard let value = claims["info"], !value.isNull else { return nil }
        guard let json = JSONLine(value.bytes) else { throw .claims }
        return json.bytes
    }
}
