import FanfareCore
import FanfareWire
import NIOCore

/// Takes claims out of a token's payload. A claim that is there and can't be read refuses the token: nobody shall be let in
/// for ever because a backend wrote `"exp": "soon"`.
struct ClaimReader {
    let claims: JSONMembers

    func text(_ name: ExactText) throws(TokenProblem) -> ExactText? {
        guard let value = claims[name] else { return nil }
        guard let text = value.text else { throw .claim(name.string, "is not a text") }
        return text
    }

    /// A `NumericDate`, in whole seconds.
    func time(_ name: ExactText) throws(TokenProblem) -> Int64? {
        guard let value = claims[name] else { return nil }
        guard let time = NumericDate.seconds(value.bytes) else {
            throw .claim(name.string, "is not a number of seconds since 1970")
        }
        return time
    }

    /// One text or a list of them, as `aud` has it.
    func texts(_ name: ExactText) throws(TokenProblem) -> [ExactText]? {
        guard let value = claims[name] else { return nil }
        if let one = value.text { return [one] }
        return try Self.texts(value, name.string)
    }

    /// `expire_at`, where 0 is never, else `exp`.
    func expiry() throws(TokenProblem) -> Int64? {
        let exp = try time("exp")
        guard let override = try time("expire_at") else { return exp }
        return override == 0 ? nil : override
    }

    /// `b64info`, else `info`: JSON on one line.
    func info() throws(TokenProblem) -> ByteBuffer? { try Self.info(claims, in: "") }

    /// Whether `subs` or `channels` is there.
    var listsSubscriptions: Bool { ["subs", "channels"].contains { claims[$0].map { !$0.isNull } ?? false } }

    /// `subs`, else `channels`.
    func subscriptions() throws(TokenProblem) -> [ServerSubscription] {
        if let value = claims["subs"], !value.isNull {
            guard let subs = JSONMembers(value.bytes, limit: Self.maximumEntries), !subs.hasDuplicates else {
                throw .claim("subs", "is not an object with at most \(Self.maximumEntries) channels, each once")
            }
            var found: [ServerSubscription] = []
            for (channel, value) in subs.members {
                guard let options = JSONMembers(value.bytes) else {
                    throw .claim("subs", "has options of a channel that are not an object")
                }
                found.append(ServerSubscription(channel: channel, info: try Self.info(options, in: "subs.")))
            }
            if !found.isEmpty { return found }
        }
        guard let value = claims["channels"], !value.isNull else { return [] }
        let channels = try Self.texts(value, "channels")
        guard Set(channels).count == channels.count else { throw .claim("channels", "lists a channel twice") }
        return channels.map { ServerSubscription(channel: $0) }
    }

    /// `caps`: `[{"channels": [...], "match": "wildcard", "allow": ["sub", "pub", "prs", "hst"]}]`.
    func capabilities() throws(TokenProblem) -> [ChannelCapability]? {
        guard let value = claims["caps"] else { return nil }
        guard let entries = value.elements, entries.count <= Self.maximumEntries else {
            throw .claim("caps", "is not a list of at most \(Self.maximumEntries) entries")
        }
        var found: [ChannelCapability] = []
        for entry in entries {
            guard let members = JSONMembers(entry.bytes), let channels = members["channels"],
                let allow = members["allow"]
            else { throw .claim("caps", "has an entry without 'channels' or 'allow'") }
            let match = members["match"]
            guard match == nil || match?.text == "wildcard" || match?.text == "exact" else {
                throw .claim("caps", "has a 'match' that is neither 'wildcard' nor 'exact'")
            }
            found.append(
                ChannelCapability(
                    channels: try Self.texts(channels, "caps.channels"), isWildcard: match?.text == "wildcard",
                    allow: try Self.actions(allow, "caps.allow")))
        }
        return found
    }

    /// `allow`: names of what may be done.
    func allow() throws(TokenProblem) -> ChannelActions? {
        guard let value = claims["allow"] else { return nil }
        return try Self.actions(value, "allow")
    }

    private static func actions(_ value: JSONMembers.Value, _ name: String) throws(TokenProblem) -> ChannelActions {
        var actions: ChannelActions = []
        for word in try texts(value, name) {
            guard let action = ChannelActions(tokenName: word) else {
                throw .claim(name, "has a word that is none of sub, pub, prs, hst")
            }
            actions.formUnion(action)
        }
        return actions
    }

    private static func texts(_ value: JSONMembers.Value, _ name: String) throws(TokenProblem) -> [ExactText] {
        guard let elements = value.elements, elements.count <= maximumEntries else {
            throw .claim(name, "is not a list of at most \(maximumEntries) texts")
        }
        var texts: [ExactText] = []
        for element in elements {
            guard let text = element.text else { throw .claim(name, "lists something that is not a text") }
            texts.append(text)
        }
        return texts
    }

    private static func info(_ claims: JSONMembers, in place: String) throws(TokenProblem) -> ByteBuffer? {
        var (name, bytes) = ("info", claims["info"].flatMap { $0.isNull ? nil : $0.bytes })
        if let value = claims["b64info"] {
            guard let decoded = value.string.flatMap({ Base64.decode($0.utf8) }) else {
                throw .claim(place + "b64info", "is not Base64")
            }
            (name, bytes) = ("b64info", ByteBuffer(bytes: decoded))
        }
        guard let bytes else { return nil }
        guard let json = JSONLine(bytes) else { throw .claim(place + name, "is not JSON") }
        guard !JSONDepth.isExceeded(by: json.bytes) else {
            throw .claim(place + name, "is nested deeper than \(JSONDepth.maximum) arrays and objects")
        }
        return json.bytes
    }
}
