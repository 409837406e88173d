import FanfareCore
import FanfareWire
import NIOCore

/// What a client hears.
extension MQTTSession {
    /// One of the client's subscriptions: a topic has one.
    struct Subscription: Sendable {
        let topic: MQTTTopic
        /// Names it to the hub.
        let number: UInt32
        /// Whether its deliveries have something that others don't have.
        let isWritten: Bool
        /// What it was granted.
        var qos: MQTTQoS
        /// Where it is in the channel's stream; `nil`: nobody asks, for it has QoS 0.
        var follower: Boxed<MQTTFollower>?
        var isNoLocal: Bool
        /// Whether it asks for the retained message once it is in force.
        var wantsNewest = false
        /// Of version 5; `nil`: it has none.
        var id: UInt32?
        /// The subscription that ends when this one is in force.
        var replaces: UInt32?
        /// Where it stands in a SUBACK that waits for it.
        var place: Place?
    }

    /// A topic filter in a SUBSCRIBE.
    struct Place: Sendable {
        let packetID: UInt16
        let index: Int
        /// What its answer says when it is in force.
        var granted = MQTTReason.success
    }

    /// A SUBSCRIBE whose filters are being begun.
    struct Beginning: Sendable {
        let packet: MQTTSubscribe
        /// Index of the next filter.
        var next = 0
    }

    /// A SUBACK with filters that have no answer yet.
    struct WaitingSuback: Sendable {
        let packetID: UInt16
        var reasons: [MQTTReason?]
    }

    // MARK: SUBSCRIBE

    /// Begins the next filter of the SUBSCRIBE that came last.
    mutating func beginFilter() -> SessionAction {
        guard let beginning else { return .none }
        let (packet, index) = (beginning.packet, beginning.next)
        do throws(MQTTError) {
            return try subscribe(packet.filters[index], packet, Place(packetID: packet.packetID, index: index))
        } catch {
            return answerFilter(error.reason)
        }
    }

    /// The next filter has its answer at once.
    mutating func answerFilter(_ reason: MQTTReason) -> SessionAction {
        guard let place = passFilter() else { return .none }
        let suback = answer(place, reason)
        return reason.rawValue < 0x80 ? suback : .all([.dropped, suback])
    }

    /// Goes on to the filter after the next one.
    private mutating func passFilter() -> Place? {
        guard let begun = beginning else { return nil }
        let place = Place(packetID: begun.packet.packetID, index: begun.next)
        if begun.next == 0 {
            waiting.append(
                WaitingSuback(
                    packetID: place.packetID, reasons: Array(repeating: nil, count: begun.packet.filters.count)))
        }
        beginning?.next += 1
        if place.index + 1 == begun.packet.filters.count { beginning = nil }
        return place
    }

    /// A filter's answer; SUBACK with the last of them.
    private mutating func answer(_ place: Place, _ reason: MQTTReason) -> SessionAction {
        guard let index = waiting.lastIndex(where: { $0.packetID == place.packetID }) else { return .none }
        waiting[index].reasons[place.index] = reason
        let reasons = waiting[index].reasons.compactMap(\.self)
        guard reasons.count == waiting[index].reasons.count else { return .none }
        waiting.remove(at: index)
        return say(MQTTWriter.suback(version, place.packetID, reasons))
    }

    private mutating func subscribe(
        _ filter: MQTTSubscribe.Filter, _ packet: MQTTSubscribe, _ place: Place
    ) throws(MQTTError) -> SessionAction {
        let topic = try topic(filter.filter)
        guard let rules = policy.channels.rules(topic.channel) else {
            throw MQTTError(.topicFilterInvalid, "unknown namespace")
        }
        let isListed = listed.first { $0.channel == topic.channel.text }
        guard isListed != nil || may(.subscribe, topic.channel, rules.subscribe) else {
            throw MQTTError(.notAuthorized, "permission denied")
        }
        let id = packet.properties.number(.subscriptionIdentifier)
        let qos = min(filter.qos, rules.mqttQoS)
        let (isWritten, granted) = (needsLead(id, qos), MQTTReason(rawValue: qos.rawValue) ?? .success)
        let wantsNewest = rules.recovery == .cache && filter.retainHandling != .never
        let old = subscriptions.firstIndex { $0.topic == topic }
        // One that is behind goes on as it is, or what it is to get would be lost (§3.8.4).
        if let old, subscriptions[old].isWritten == isWritten || subscriptions[old].isBehind {
            subscriptions[old].isNoLocal = filter.isNoLocal
            subscriptions[old].id = id
            subscriptions[old].grant(qos)
            let suback = answerFilter(granted)
            guard wantsNewest, filter.retainHandling == .always else { return suback }
            let query = HistoryQuery(limit: 1, reverse: true)
            return .all([suback, .history(topic.channel, query, id: subscriptions[old].number)])
        }
        guard old != nil || subscriptions.count < policy.maxChannels else {
            throw MQTTError(.quotaExceeded, "a client may have \(policy.maxChannels) subscriptions")
        }
        if let isListed, grants?[topic.channel] == nil { grants?[topic.channel] = SubscriptionGrant(isListed) }
        _ = passFilter()
        var own = place
        own.granted = granted
        var subscription = Subscription(
            topic: topic, number: makeNumber(), isWritten: isWritten, qos: .atMostOnce, isNoLocal: filter.isNoLocal,
            id: id, place: own)
        subscription.grant(qos)
        var before: [SessionAction] = []
        if let old {
            let replaced = subscriptions.remove(at: old)
            // One that replaces another is not in force yet: it goes now, and the other when this one is in force.
            subscription.replaces = replaced.replaces ?? replaced.number
            if replaced.replaces != nil { before.append(.leave(topic.channel, request: replaced.number)) }
            // One that is not in force yet has its answer with this.
            if let place = replaced.place { before.append(answer(place, place.granted)) }
            // It begins where the other is, and a page may be ahead of that, or behind it: what is retained is asked for afterwards.
            subscription.wantsNewest = replaced.wantsNewest || wantsNewest && filter.retainHandling == .always
        }
        subscriptions.append(subscription)
        return .all(
            before + [
                .join(
                    SubscriptionRequest(
                        channel: topic.channel, wish: wantsNewest && old == nil ? .last(1) : .none,
                        request: subscription.number,
                        form: isWritten ? .written(.mqttTail(version)) : .shared(.mqtt(version))))
            ])
    }

    /// The channel's topic, or why there is none for the filter.
    private func topic(_ filter: ExactText) throws(MQTTError) -> MQTTTopic {
        switch MQTTTopic.filter(filter) {
        case .invalid: throw MQTTError(.topicFilterInvalid, "no topic filter")
        case .wildcard: throw MQTTError(.wildcardSubscriptionsNotSupported, "wildcards are not supported yet")
        case .shared: throw MQTTError(.sharedSubscriptionsNotSupported, "shared subscriptions are not supported yet")
        case .exact:
            guard let topic = MQTTTopic(filter, limit: policy.maxChannelNameBytes) else {
                throw MQTTError(.topicFilterInvalid, "the topic is no channel's name")
            }
            return topic
        }
    }

    /// Whether a delivery has something that others don't have: an identifier of a packet or of a subscription, or a limit of this client.
    private func needsLead(_ id: UInt32?, _ qos: MQTTQoS) -> Bool {
        qos != .atMostOnce || id != nil || agreement.maxPacketBytes < .max
    }

    /// The subscription is in force: its answer, and the retained message.
    mutating func subscribed(id: UInt32, _ start: SubscriptionStart) -> SessionAction {
        guard let index = subscriptions.firstIndex(where: { $0.number == id }) else { return .none }
        var actions: [SessionAction] = []
        let channel = subscriptions[index].topic.channel
        if let replaced = subscriptions[index].replaces.take() { actions.append(.leave(channel, request: replaced)) }
        if let place = subscriptions[index].place.take() { actions.append(answer(place, place.granted)) }
        // One that is replaced had its deliveries until now.
        if subscriptions[index].follower?.value.place == nil {
            subscriptions[index].follower?.value.place = start.position
        }
        if subscriptions[index].wantsNewest {
            subscriptions[index].wantsNewest = false
            actions.append(.history(channel, HistoryQuery(limit: 1, reverse: true), id: id))
        }
        if let newest = start.publications.last { actions.append(retained(newest, at: index, .first)) }
        return .all(actions)
    }

    /// Bytes of the message that ``subscribed(id:_:)`` makes, about.
    func size(of start: SubscriptionStart) -> Int {
        start.weight + start.publications.count * MQTTBounds.messageBytes
    }

    /// The subscription could not be had.
    mutating func subscribeFailed(id: UInt32, _ error: BrokerError) -> SessionAction {
        guard let index = subscriptions.firstIndex(where: { $0.number == id }) else { return .none }
        let subscription = remove(at: index)
        var actions: [SessionAction] = [.dropped]
        // That of an earlier SUBSCRIBE must not go on without a place here.
        if let replaced = subscription.replaces {
            actions.append(.leave(subscription.topic.channel, request: replaced))
        }
        if let place = subscription.place {
            actions.append(answer(place, error == .overloaded ? .quotaExceeded : .unspecifiedError))
        }
        return .all(actions)
    }

    // MARK: UNSUBSCRIBE

    mutating func unsubscribe(_ packet: MQTTUnsubscribe) -> SessionAction {
        var (actions, reasons) = ([SessionAction](), [MQTTReason]())
        // Looked up by hash: of a packet's filters only those that are subscribed are searched for, each once.
        var known = Set(subscriptions.map(\.topic.channel))
        for filter in packet.filters {
            guard let topic = MQTTTopic(filter, limit: policy.maxChannelNameBytes),
                known.remove(topic.channel) != nil,
                let index = subscriptions.firstIndex(where: { $0.topic == topic })
            else {
                reasons.append(MQTTTopic.filter(filter) == .invalid ? .topicFilterInvalid : .noSubscriptionExisted)
                continue
            }
            actions += leave(at: index)
            reasons.append(.success)
        }
        return .all(actions + [say(MQTTWriter.unsuback(version, packet.packetID, reasons))])
    }

    /// A backend ends what the client has of a channel. The client is not told: the protocol has no words for it.
    mutating func unsubscribe(_ channel: ChannelName) -> Session.Commanded {
        guard let index = subscriptions.firstIndex(where: { $0.topic.channel == channel }) else { return .unchanged }
        return .done(.all(leave(at: index)))
    }

    private mutating func leave(at index: Int) -> [SessionAction] {
        let subscription = remove(at: index)
        let channel = subscription.topic.channel
        var actions = [subscription.replaces, subscription.number].compactMap(\.self).map {
            SessionAction.leave(channel, request: $0)
        }
        // It was in force for a moment, as far as the client knows.
        if let place = subscription.place { actions.append(answer(place, place.granted)) }
        return actions
    }

    private mutating func remove(at index: Int) -> Subscription {
        let subscription = subscriptions.remove(at: index)
        window.forget(subscription.number)
        grants?[subscription.topic.channel] = nil
        return subscription
    }

    func may(_ action: ChannelActions, _ channel: ChannelName, _ access: ChannelRules.Access) -> Bool {
        let isSubscribed = subscriptions.contains { $0.topic.channel == channel }
        return grants?.may(action, in: channel, access, isSubscribed: isSubscribed) == true
    }
}

extension MQTTSession.Subscription {
    /// Whether it is to get more than it was sent.
    fileprivate var isBehind: Bool { follower?.value.isBehind == true }

    /// It has that QoS from now on. One that is behind follows the stream until it has all that it is to get.
    fileprivate mutating func grant(_ qos: MQTTQoS) {
        self.qos = qos
        if qos != .atMostOnce {
            follower = follower ?? Boxed(MQTTFollower())
        } else if !isBehind {
            follower = nil
        }
    }
}
