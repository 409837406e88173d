import FanfareCore
import FanfareProtocols
import FanfareWire
import NIOCore

/// Subscriptions with a name and a form of their own.
extension Client {
    func join(_ subscription: SubscriptionRequest) {
        loop.flushHub()
        guard isOpen else { return }
        let (channel, request) = (subscription.channel, subscription.request ?? 0)
        guard subscription.wish == .none || mayRecover else {
            return subscribeFailed(channel, request: request, .overloaded)
        }
        if subscription.wish != .none { inbound.reads.beginRecovery(request) }
        subscribe(subscription, request: request, wish: subscription.wish)
    }

    /// Asks the hub for a subscription. The caller has flushed it.
    func subscribe(_ subscription: SubscriptionRequest, request: UInt32, wish: RecoveryRequest) {
        switch subscription.form {
        case nil: loop.shard.subscribe(self, to: subscription.channel, request: request, wish: wish)
        case .shared(let format):
            use(format)
            loop.shard.subscribe(self, to: subscription.channel, request: request, wish: wish, format: format)
        case .personal(let format, let lead):
            subscribe(subscription, request, wish, format, .fixed(lead))
        case .written(let format): subscribe(subscription, request, wish, format, .written)
        case .interned(let name, let definition, let lead):
            let maker = lead.map { _ in places.address.map { FormatMaker(ExactText($0.site.description)) } ?? .unknown }
            guard let format = use(name, { loop.node.formats.intern(name, as: definition, by: maker) }) else {
                loop.metrics.counters.add(.formatRefusals)
                return subscribeFailed(subscription.channel, request: request, .tooManyFormats)
            }
            loop.shard.subscribe(
                self, to: subscription.channel, request: request, wish: wish, format: format,
                lead: lead.map { .fixed($0) }, maker: maker)
        }
    }

    private func subscribe(
        _ subscription: SubscriptionRequest, _ request: UInt32, _ wish: RecoveryRequest, _ format: WireFormat,
        _ lead: Lead
    ) {
        if session.changesPersonal {
            mayHaveLane = false
            loop.shard.setLane(self, nil)
        }
        use(format)
        loop.shard.subscribe(
            self, to: subscription.channel, request: request, wish: wish, format: format, lead: lead)
    }

    /// Uses a format of the node's table: see ``use(_:_:)``.
    private func use(_ format: WireFormat) {
        use(ExactText("\(format.id)")) {
            loop.node.formats.acquire(format)
            return format
        }
    }

    /// Uses a format beside ``wireFormat`` until the client ends or lets go of it: it may have gone from the hub, and come again.
    @discardableResult
    private func use(_ name: ExactText, _ acquire: () -> WireFormat?) -> WireFormat? {
        if let known = formats.first(where: { $0.name == name }) { return known.format }
        guard let format = acquire() else { return nil }
        formats.append((name, format))
        return format
    }

    /// None of the client's subscriptions has an interned format any more.
    func release(format name: ExactText) {
        guard let index = formats.firstIndex(where: { $0.name == name }) else { return }
        loop.node.formats.release(formats.remove(at: index).format)
    }
}

/// What the hub tells a client of its subscriptions.
extension Client {
    func subscribed(_ channel: ChannelName, request: UInt32, _ start: SubscriptionStart) {
        recoveryEnded(request)
        guard
            opening != nil || session.isConnecting
                || takeRecovery(session.size(of: start, request: request), of: start)
        else {
            loop.shard.unsubscribe(self, from: channel, request: request)
            return subscribeFailed(channel, request: request, .overloaded)
        }
        if let info = session.info(in: channel) { loop.presence.joined(info, channel) }
        if let opening {
            opening.subscribed(.success(start))
        } else if session.isConnecting {
            begun(channel, request, start)
        } else {
            carryOut(session.subscribed(channel, id: request, start))
            loop.commands.subscribed(self, channel, isWhole: start.isComplete)
            scheduleExpiry()
        }
    }

    func subscribeFailed(_ channel: ChannelName, request: UInt32, _ error: BrokerError) {
        recoveryEnded(request)
        if let opening {
            opening.subscribed(.failure(error))
        } else {
            carryOut(session.subscribeFailed(channel, id: request, error))
            loop.commands.ended(self, channel)
        }
    }

    func unsubscribed(_ channel: ChannelName, request: UInt32, _ reason: UnsubscribeReason) {
        // One of several was in force, and is lost before its request is answered.
        if let opening { return opening.subscribed(.failure(.unavailable)) }
        carryOut(session.unsubscribed(channel, reason))
    }

    /// The session begins with this subscription, which was made before the client's request was answered.
    func begin(_ channel: ChannelName, _ start: SubscriptionStart) {
        carryOut(session.subscribed(channel, id: 0, start))
    }

    /// Sends what a subscription missed, as publications read to this client.
    func deliver(_ start: SubscriptionStart) {
        // Nothing is no answer: somebody may wait for the first thing that comes.
        guard let shared = start.shared, !start.publications.isEmpty else {
            for publication in start.publications { answer(loop.node.formats.encode(publication, wireFormat)) }
            return
        }
        // In memory of its own it would be some megabytes for each client.
        answer(shared.frames(last: start.publications.count, wireFormat, loop.node.formats))
    }
}
