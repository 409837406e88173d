import FanfareCore
import FanfareWire
import NIOCore

/// What the broker is asked for on behalf of a field at the top.
public enum GraphQLDemand: Sendable {
    /// - Parameter isReversed: whether the newest come first, and are turned around for the answer.
    case history(ChannelName, HistoryQuery, isReversed: Bool)
    case presence(ChannelName)
    case publish(ChannelName, Payload, PublicationTags)
    /// Nothing: it is known.
    case node
    /// Nothing: the schema is the node's own.
    case introspection
}

/// Who asks, as far as permissions go.
struct GraphQLAsker {
    let policy: GraphQLSession.Policy
    let grants: Grants
    /// Whether the client is subscribed to a channel.
    let isSubscribed: (ChannelName) -> Bool

    func may(_ action: ChannelActions, _ channel: ChannelName, _ access: ChannelRules.Access) -> Bool {
        grants.may(action, in: channel, access, isSubscribed: isSubscribed(channel))
    }

    /// The channel that an argument names, and its rules.
    func channel(
        _ field: GraphQLPlanField, _ argument: ExactText
    ) throws(GraphQLError) -> (ChannelName, ChannelRules) {
        guard case .string(let text) = field.arguments[argument] else {
            throw GraphQLError("the channel has no name", .badUserInput)
        }
        let name: ChannelName
        do throws(ChannelNameError) {
            name = try ChannelName(text, limit: policy.maxChannelNameBytes)
        } catch {
            throw GraphQLError("\(error)", .badUserInput)
        }
        guard let rules = policy.channels.rules(name) else {
            throw GraphQLError("unknown namespace of channel '\(GraphQLError.quoted(name.text))'", .notAvailable)
        }
        return (name, rules)
    }

    /// A position that a client gives; `nil`: it gives none.
    static func position(_ field: GraphQLPlanField) throws(GraphQLError) -> StreamPosition? {
        guard case .string(let text) = field.arguments["since"] else { return nil }
        guard let position = StreamPosition(text) else {
            throw GraphQLError("since is \(StreamPosition.form)", .badUserInput)
        }
        return position
    }

    /// A number of publications; `nil`: the client gives none.
    static func count(_ field: GraphQLPlanField, _ argument: ExactText) throws(GraphQLError) -> Int? {
        guard case .int(let count) = field.arguments[argument] else { return nil }
        guard count >= 0 else { throw GraphQLError("\(argument) is not below 0", .badUserInput) }
        return count
    }

    /// What a field of a query or mutation wants, if the client may have it.
    func demand(_ field: GraphQLPlanField) throws(GraphQLError) -> GraphQLDemand {
        switch field.name {
        case "history": return try history(field)
        case "presence":
            let (channel, rules) = try channel(field, "channel")
            guard rules.presence else { throw GraphQLError("\(BrokerError.noPresence)", .notAvailable) }
            guard may(.presence, channel, rules.readPresence) else { throw .denied("presence", channel) }
            return .presence(channel)
        case "publish": return try publish(field)
        default: return field.isIntrospection ? .introspection : .node
        }
    }

    private func history(_ field: GraphQLPlanField) throws(GraphQLError) -> GraphQLDemand {
        let (channel, rules) = try channel(field, "channel")
        guard rules.history != nil else { throw GraphQLError("the channel keeps no history", .notAvailable) }
        guard may(.history, channel, rules.readHistory) else { throw .denied("history", channel) }
        let (since, first, last) = (
            try Self.position(field), try Self.count(field, "first"), try Self.count(field, "last")
        )
        guard last == nil || since == nil && first == nil else {
            throw GraphQLError("last goes with neither since nor first", .badUserInput)
        }
        let query = HistoryQuery(
            since: since, limit: min(first ?? last ?? policy.maxRecovery, policy.maxRecovery), reverse: last != nil,
            maxBytes: GraphQLBounds.answerBytes / GraphQLBounds.rootFields)
        return .history(channel, query, isReversed: last != nil)
    }

    private func publish(_ field: GraphQLPlanField) throws(GraphQLError) -> GraphQLDemand {
        let (channel, rules) = try channel(field, "channel")
        guard may(.publish, channel, rules.publish) else { throw .denied("publish", channel) }
        guard case .json(let text) = field.arguments["data"] else {
            throw GraphQLError("data is null", .badUserInput)
        }
        let payload = Payload(text: text)
        if let limit = rules.maxMessageBytes, payload.bytes.readableBytes > limit {
            throw GraphQLError("data is above the channel's limit of \(limit) bytes", .badUserInput)
        }
        guard !payload.isNestedTooDeep else { throw GraphQLError(JSONDepth.problem, .badUserInput) }
        return .publish(channel, payload, try tags(field))
    }

    private func tags(_ field: GraphQLPlanField) throws(GraphQLError) -> PublicationTags {
        guard case .list(let inputs) = field.arguments["tags"] else { return .none }
        guard inputs.count <= PublicationTags.maximumCount else {
            throw GraphQLError("\(PublicationTagsError.tooMany(inputs.count))", .badUserInput)
        }
        let tags = inputs.compactMap { input -> PublicationTags.Tag? in
            guard case .object(let fields) = input, case .string(let name) = fields["name"],
                case .string(let value) = fields["value"]
            else { return nil }
            return .init(name: ExactText(name), value: ExactText(value))
        }
        do {
            return try PublicationTags(tags)
        } catch {
            throw GraphQLError("\(error)", .badUserInput)
        }
    }
}

extension GraphQLError {
    static func denied(_ what: String, _ channel: ChannelName) -> GraphQLError {
        GraphQLError("permission denied: \(what) of '\(quoted(channel.text))'", .forbidden)
    }

    /// The broker could not do it.
    init(_ error: BrokerError, _ what: String) { self.init("\(what): \(error)", .tryAgainLater) }
}
