import FanfareCore
import FanfareWire
import NIOCore

/// What a client hears: `subscription { channel }`.
extension GraphQLSession {
    mutating func subscribe(_ step: GraphQLStep) throws(GraphQLError) -> SessionAction {
        if let problem = step.field.problem { throw problem }
        let (channel, rules) = try asker.channel(step.field, "name")
        guard subscriptions.count < policy.maxChannels else {
            throw GraphQLError("a client may have \(policy.maxChannels) subscriptions", .tryAgainLater)
        }
        _ = try wish(step.field, rules)
        if case .string(let token) = step.field.arguments["token"], !token.isEmpty, !policy.ignoresTokens {
            asking = step
            return .authenticate(token, .subscription)
        }
        let isListed = listed.first { $0.channel == channel.text }
        guard isListed != nil || asker.may(.subscribe, channel, rules.subscribe) else {
            throw .denied("subscription", channel)
        }
        let grant = isListed.map { grants?[channel] ?? SubscriptionGrant($0) }
        return try begin(step, channel, rules, grant ?? borrowed(channel, rules.subscribe))
    }

    /// What another subscription's token opened, where nothing else lets the client in: with it this one ends as well. That the client is
    /// subscribed counts for nothing here, for it is by that token.
    private func borrowed(_ channel: ChannelName, _ access: ChannelRules.Access) -> SubscriptionGrant? {
        guard var others = grants, let grant = others[channel] else { return nil }
        others[channel] = nil
        return others.may(.subscribe, in: channel, access, isSubscribed: false) ? nil : grant
    }

    private func wish(_ field: GraphQLPlanField, _ rules: ChannelRules) throws(GraphQLError) -> RecoveryRequest {
        let (since, last) = (try GraphQLAsker.position(field), try GraphQLAsker.count(field, "last"))
        guard since == nil || last == nil else { throw GraphQLError("either since or last", .badUserInput) }
        guard since == nil && (last ?? 0) == 0 || rules.recovery != .off else {
            throw GraphQLError("the channel keeps nothing to come back to", .notAvailable)
        }
        if let last { return last == 0 ? .none : .last(min(last, policy.maxRecovery)) }
        switch rules.recovery {
        case .off: return .none
        case .stream: return since.map { .since($0) } ?? .none
        case .cache: return .last(1)
        }
    }

    /// - Parameter grant: what lets it in; it opens nothing where the subscription does not begin.
    private mutating func begin(
        _ step: GraphQLStep, _ channel: ChannelName, _ rules: ChannelRules, _ grant: SubscriptionGrant?
    ) throws(GraphQLError) -> SessionAction {
        let (wish, since) = (try wish(step.field, rules), try GraphQLAsker.position(step.field))
        let selection = try select(step.field, in: channel)
        let subscription = Subscription(
            id: step.id, number: makeNumber(), channel: channel, selection: selection, lead: words.lead(step.id),
            since: since, grant: grant)
        subscriptions.append(subscription)
        keptBytes += subscription.size
        if let grant { grants?[channel] = grant }
        return .join(
            SubscriptionRequest(
                channel: channel, wish: wish, request: subscription.number,
                form: .interned(selection.name, selection.codec.definition, lead: subscription.lead)))
    }

    /// What one more subscription to a channel selects, counted: one of the client's selections, or a new one where it may have that.
    private mutating func select(
        _ field: GraphQLPlanField, in channel: ChannelName
    ) throws(GraphQLError) -> GraphQLSelected {
        let selection = GraphQLSelected(selecting: field, for: words)
        let known = selections[selection.name]?.selection
        guard selection.name.utf8.count <= GraphQLBounds.selectionBytes else {
            throw GraphQLError("a selection has at most \(GraphQLBounds.selectionBytes) bytes", .tooComplex)
        }
        let ofChannel = Set(subscriptions.lazy.filter { $0.channel == channel }.map { ObjectIdentifier($0.selection) })
        let isThere = known.map { ofChannel.contains(ObjectIdentifier($0)) } ?? false
        guard known != nil || selections.count < GraphQLBounds.formats,
            isThere || ofChannel.count < GraphQLBounds.formatsOfChannel
        else {
            throw GraphQLError(
                "a client may have \(GraphQLBounds.formats) different selections, \(GraphQLBounds.formatsOfChannel) of a channel",
                .tryAgainLater)
        }
        guard let known else {
            selections[selection.name] = (selection, 1)
            keptBytes += selection.size
            return selection
        }
        selections[selection.name]?.subscriptions += 1
        return known
    }

    /// A subscription is gone, and the hub has none of it when what this returns is carried out.
    mutating func remove(at index: Int) -> [SessionAction] {
        let (channel, selection) = (subscriptions[index].channel, subscriptions[index].selection)
        keptBytes -= subscriptions.remove(at: index).size
        // What a token opened goes with its subscription.
        grants?[channel] = subscriptions.last { $0.channel == channel && $0.grant != nil }?.grant
        guard let count = selections[selection.name]?.subscriptions else { return [] }
        selections[selection.name]?.subscriptions = count - 1
        guard count == 1 else { return [] }
        selections[selection.name] = nil
        keptBytes -= selection.size
        return [.release(format: selection.name)]
    }

    private func index(_ number: UInt32) -> Int? { subscriptions.firstIndex { $0.number == number } }

    /// The subscription is in force: what it missed. The protocol has no word for the subscription itself.
    mutating func subscribed(id: UInt32, _ start: SubscriptionStart) -> SessionAction {
        guard let index = index(id) else { return .none }
        let subscription = subscriptions[index]
        let recovery = policy.channels.rules(subscription.channel)?.recovery ?? .off
        if recovery == .stream, subscription.since != nil, !start.isComplete {
            let error = GraphQLError("since: what followed is lost, subscribe without it", .insufficientState)
            return .all(
                [.leave(subscription.channel, request: subscription.number)] + remove(at: index)
                    + [refusal(subscription.id, [error])])
        }
        var missed = start.publications
        if recovery == .cache, let since = subscription.since, since.epoch == start.position?.epoch {
            // The newest may be what the client has already.
            missed.removeAll { ($0.position?.offset ?? 0) <= since.offset }
        }
        return .all(missed.map { .answer(subscription.selection.codec.message(subscription.lead, $0)) })
    }

    /// Bytes of the messages that ``subscribed(id:_:)`` makes, about.
    func size(of start: SubscriptionStart, _ number: UInt32) -> Int {
        guard let index = index(number) else { return start.weight }
        let (lead, weight) = (
            subscriptions[index].lead.count, GraphQLWeight(subscriptions[index].selection.codec.field)
        )
        return start.publications.reduce(0) { $0 + lead + weight.bytes(of: $1) }
    }

    /// The subscription could not be had.
    mutating func subscribeFailed(id: UInt32, _ error: BrokerError) -> SessionAction {
        guard let index = index(id) else { return .none }
        let id = subscriptions[index].id
        return .all(remove(at: index) + [refusal(id, [GraphQLError(error, "subscription")])])
    }

    /// A backend ends what the client has of a channel.
    mutating func unsubscribe(_ channel: ChannelName) -> Session.Commanded {
        var actions: [SessionAction] = []
        while let index = subscriptions.firstIndex(where: { $0.channel == channel }) {
            let subscription = subscriptions[index]
            actions.append(.leave(channel, request: subscription.number))
            actions += remove(at: index)
            actions += completion(subscription.id)
        }
        return actions.isEmpty ? .unchanged : .done(.all(actions))
    }
}

/// Tokens.
extension GraphQLSession {
    /// A connection token is good.
    mutating func authenticated(_ claims: ConnectClaims, now: TokenTime) -> Result<[SessionAction], TokenRefusal> {
        let grants = Grants(
            anonymous: policy.permissions, identity: ClientIdentity(claims, permissions: policy.users, now: now))
        listed = claims.subscriptions
        return .success([welcome(grants)])
    }

    /// A subscription token is good.
    ///
    /// - Returns: what to do, or why it does not open what the operation asks for.
    mutating func authenticated(_ claims: SubscriptionClaims, now: TokenTime) -> Result<[SessionAction], TokenRefusal> {
        guard let step = asking else { return .success([.disconnect(.badRequest)]) }
        do throws(GraphQLError) {
            let (channel, rules) = try asker.channel(step.field, "name")
            let isOther = claims.client.map { $0 != ExactText(clientID) } ?? false
            guard claims.channel == channel.text, !isOther else { return .failure(.otherChannel) }
            guard claims.user == grants?.user else { return .failure(.otherUser) }
            asking = nil
            return .success([try begin(step, channel, rules, SubscriptionGrant(claims, now: now))])
        } catch {
            asking = nil
            return .success([finish(step, .failure(error))])
        }
    }

    /// The token is not to be believed. The client learns no more than it needs for its next step.
    mutating func refused(_ refusal: TokenRefusal) -> SessionAction {
        let reason =
            refusal.isTemporary
            ? "tokens can't be checked at the moment" : refusal == .expired ? "token expired" : "invalid token"
        guard let step = asking.take() else {
            return refusal.isTemporary ? fail(.tryAgainLater) : forbid(reason)
        }
        let code: GraphQLError.Code = refusal.isTemporary ? .tryAgainLater : .unauthenticated
        return finish(step, .failure(GraphQLError(reason, code)))
    }

    /// The token is good, but its user has as many clients as it may.
    mutating func crowded() -> SessionAction { .none }

    /// What to do about tokens that expired. Who comes back brings a new one.
    func expire(_ now: TokenTime) -> [SessionAction] {
        guard let grants else { return [] }
        let hasExpired =
            grants.hasExpired(now, grace: 0)
            || subscriptions.contains { grants.hasExpired($0.channel, now, grace: 0) }
        return hasExpired ? [.disconnect(.expired)] : []
    }

    /// A backend changes when it expires and what others see of it.
    mutating func refresh(expiresAt: Int64?, info: ByteBuffer?, now: TokenTime) -> Session.Commanded {
        grants?.refresh(expiresAt: expiresAt, info: info, now: now)
        return .done(.none)
    }
}
