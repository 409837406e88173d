import FanfareCore
import FanfareWire
import NIOCore

/// What a request of the server API wants done with clients.
struct APIClientCommand {
    let request: JSONMembers

    /// `user`, `client` or both.
    func target() throws(APIFailure) -> CommandTarget {
        let user = try text("user")
        guard user?.utf8.count ?? 0 <= CommandBounds.userBytes else {
            throw .tooLarge("user", limit: CommandBounds.userBytes)
        }
        var client: ClientID?
        if let id = try text("client"), !id.isEmpty {
            guard let known = ClientID(ExactText(id)) else {
                throw .badRequest("'client' is no client id, as 'presence' and the reply to 'connect' have it")
            }
            client = known
        }
        guard let target = CommandTarget(user: user.map { ExactText($0) }, client: client) else {
            throw .badRequest("'user' or 'client' must be there: clients without a user are named by their id")
        }
        return target
    }

    /// - Parameter rules: those of the channel.
    func subscription(_ channel: ChannelName, _ rules: ChannelRules) throws(APIFailure) -> CommandedSubscription {
        try checkOverride(channel, rules)
        return CommandedSubscription(
            channel: channel, info: try info(), data: try data(), expiresAt: try expiry(),
            since: try since(channel, rules))
    }

    /// `disconnect` and `whitelist`. Without the first a client is told not to come back.
    func disconnect() throws(APIFailure) -> ClientCommand {
        var (disconnect, reason) = (Disconnect.forced, String?.none)
        if let value = value("disconnect") {
            guard let members = JSONMembers(value.bytes) else { throw .badRequest("'disconnect' must be an object") }
            try APIMethod.disconnect.check(members, ["code", "reason"], within: "disconnect.")
            guard let number = Self.value("code", members).map(\.unsigned) ?? 0,
                let words = Self.value("reason", members).map(\.string) ?? ""
            else {
                throw .badRequest("'disconnect' must have a number as its code and a string as its reason")
            }
            guard words.utf8.count <= ApplicationDisconnect.maximumReasonBytes else {
                throw .badRequest(
                    "'disconnect.reason' has \(words.utf8.count) bytes, at most "
                        + "\(ApplicationDisconnect.maximumReasonBytes) fit a close frame")
            }
            if number != 0 {
                let named = UInt16(exactly: number).flatMap { Disconnect.commanded(code: $0, reason: words) }
                guard let named else {
                    throw .badRequest(
                        "'disconnect.code' must be from 4000 to 4999, \(Disconnect.forcedReconnect.code) or "
                            + "\(Disconnect.forced.code): the other codes say what only the node knows")
                }
                disconnect = named
            }
            reason = words.isEmpty ? nil : words
        }
        return .disconnect(disconnect, reason: reason, except: try exceptions())
    }

    /// `expired`, `expire_at` and `info`. What has expired is ended.
    ///
    /// - Parameter now: seconds since 1970.
    func refresh(now: Int64) throws(APIFailure) -> ClientCommand {
        let (isExpired, expiry, info) = (try flag("expired"), try expiry(), try info())
        guard !isExpired, expiry.map({ $0 > now }) ?? true else { return .disconnect(.expired) }
        return .refresh(expiresAt: expiry, info: info)
    }
}

/// Its fields.
extension APIClientCommand {
    private func value(_ name: ExactText) -> JSONMembers.Value? { Self.value(name, request) }

    private static func value(_ name: ExactText, _ members: JSONMembers) -> JSONMembers.Value? {
        members[name].flatMap { $0.isNull ? nil : $0 }
    }

    private func text(_ name: ExactText) throws(APIFailure) -> String? {
        guard let value = value(name) else { return nil }
        guard let text = value.string else { throw .badRequest("'\(name)' must be a string") }
        return text
    }

    private func flag(_ name: ExactText) throws(APIFailure) -> Bool {
        guard let value = value(name) else { return false }
        guard let flag = value.bool else { throw .badRequest("'\(name)' must be true or false") }
        return flag
    }

    private func base64(_ name: ExactText) throws(APIFailure) -> ByteBuffer? {
        guard let text = try text(name), !text.isEmpty else { return nil }
        guard let bytes = Base64.decode(text.utf8) else { throw .badRequest("'\(name)' must be a string of Base64") }
        return ByteBuffer(bytes: bytes)
    }

    /// `b64info`, else `info`.
    private func info() throws(APIFailure) -> ByteBuffer? {
        guard let bytes = try base64("b64info") ?? value("info")?.bytes else { return nil }
        guard bytes.readableBytes <= ClientInfo.maximumInfoBytes else {
            throw .tooLarge("info", limit: ClientInfo.maximumInfoBytes)
        }
        guard let info = ClientInfo.checked(bytes) else {
            throw .badRequest("info must be JSON, at most \(JSONDepth.maximum) arrays and objects deep")
        }
        return info
    }

    /// `b64data`, else `data`.
    private func data() throws(APIFailure) -> Payload? {
        let data =
            if let bytes = try base64("b64data") {
                Payload(kind: .binary, bytes: bytes)
            } else if let value = value("data") {
                Payload(kind: .text, bytes: value.bytes)
            } else {
                Payload?.none
            }
        guard let data else { return nil }
        guard data.bytes.readableBytes <= CommandBounds.dataBytes else {
            throw .tooLarge("data", limit: CommandBounds.dataBytes)
        }
        guard !data.isNestedTooDeep else { throw .badRequest(JSONDepth.problem) }
        return data
    }

    /// Seconds since 1970; 0 is never.
    private func expiry() throws(APIFailure) -> Int64? {
        guard let value = value("expire_at") else { return nil }
        guard let seconds = value.unsigned64.flatMap(Int64.init(exactly:)) else {
            throw .badRequest("'expire_at' must be a number of seconds since 1970")
        }
        return seconds == 0 ? nil : seconds
    }

    private func since(_ channel: ChannelName, _ rules: ChannelRules) throws(APIFailure) -> StreamPosition? {
        guard let value = value("recover_since") else { return nil }
        guard let members = JSONMembers(value.bytes) else {
            throw .badRequest("'recover_since' must have an offset and an epoch")
        }
        try APIMethod.subscribe.check(members, ["offset", "epoch"], within: "recover_since.")
        guard let offset = Self.value("offset", members).map(\.unsigned64) ?? 0,
            let epoch = Self.value("epoch", members).map(\.string) ?? ""
        else {
            throw .badRequest("'recover_since' must have a number as its offset and a string as its epoch")
        }
        guard epoch.utf8.count <= StreamPosition.maximumEpochBytes else {
            throw .badRequest(
                "'recover_since.epoch' has \(epoch.utf8.count) bytes, at most \(StreamPosition.maximumEpochBytes) are an epoch"
            )
        }
        guard rules.recovery == .stream else {
            throw .notAvailable("'recover_since' is not available in '\(channel)', whose namespace has no recovery")
        }
        return StreamPosition(offset: offset, epoch: epoch)
    }

    private func exceptions() throws(APIFailure) -> [ClientID] {
        guard let value = value("whitelist") else { return [] }
        guard let elements = value.elements, elements.count <= CommandBounds.exceptions else {
            throw .badRequest("'whitelist' must be an array of at most \(CommandBounds.exceptions) client ids")
        }
        var clients: [ClientID] = []
        for element in elements {
            guard let id = element.text.flatMap(ClientID.init) else {
                throw .badRequest("'whitelist' must be an array of client ids")
            }
            clients.append(id)
        }
        return clients
    }

    /// Options of a channel are those of its namespace. An `override` that says the same is let pass, any other is an error, so that
    /// no backend takes it for heeded.
    private func checkOverride(_ channel: ChannelName, _ rules: ChannelRules) throws(APIFailure) {
        guard let value = value("override") else { return }
        guard let members = JSONMembers(value.bytes) else { throw .badRequest("'override' must be an object") }
        let options: [(name: ExactText, isOn: Bool)] = [
            ("presence", rules.presence), ("join_leave", rules.joinLeave), ("force_push_join_leave", rules.joinLeave),
            ("force_positioning", rules.history != nil), ("force_recovery", rules.recovery != .off),
        ]
        try APIMethod.subscribe.check(members, options.map(\.name.string), within: "override.")
        for (name, isOn) in options {
            guard let option = members[name], !option.isNull else { continue }
            guard let wanted = JSONMembers(option.bytes)?["value"]?.bool else {
                throw .badRequest("'override.\(name)' must be an object with a value, true or false")
            }
            guard wanted == isOn else {
                throw .notAvailable(
                    "'override.\(name)' is not available: in '\(channel)' it is \(isOn ? "on" : "off"), as its namespace says"
                )
            }
        }
    }
}
