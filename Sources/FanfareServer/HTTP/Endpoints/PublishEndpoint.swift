import FanfareCore
import FanfareWire
import HTTPTypes
import NIOCore

/// `POST /channels/{channel}`: publishes the body, if the request's token lets it, then answers.
struct PublishEndpoint: Endpoint {
    let channel: ChannelName

    func body(of exchange: Exchange) -> BodyUse? {
        guard let rules = exchange.rules(channel) else { return nil }
        // With a token it is decided when the request is complete.
        guard exchange.token != nil || mayPublish(exchange, rules, exchange.anonymous) else { return nil }
        return .kept(limit: min(exchange.limits.maxMessageBytes, rules.maxMessageBytes ?? .max))
    }

    func respond(to exchange: Exchange, _ body: ByteBuffer) {
        // A token costs as much to check as one of an upgrade; only good ones are no attempts.
        let hasToken = exchange.token != nil
        guard !hasToken || exchange.mayTry() else { return }
        exchange.authenticate { bearer in
            if hasToken { exchange.hasTried() }
            guard let rules = exchange.rules(channel), mayPublish(exchange, rules, bearer), isInTime(exchange, bearer)
            else { return }
            publish(exchange, body)
        }
    }

    /// Whether a request may publish; where not, it is refused.
    private func mayPublish(_ exchange: Exchange, _ rules: ChannelRules, _ bearer: Exchange.Bearer) -> Bool {
        if bearer.may(.publish, channel, rules.publish) { return true }
        if bearer.grants.identity == nil, !exchange.loop.node.anonymousPermissions.mayPublish {
            exchange.refuseAnonymous("publish")
        } else {
            exchange.refuse(.forbidden, .forbidden, "this client may not publish into this channel like this")
        }
        return false
    }

    /// Whether whoever sends a request may publish now; where not, it is refused.
    private func isInTime(_ exchange: Exchange, _ bearer: Exchange.Bearer) -> Bool {
        let node = exchange.loop.node
        let now = node.clock.monotonicMicroseconds()
        let user = bearer.grants.user
        if let wait = exchange.publisher(bearer, now: now)?.publish(now: now) {
            return refuseRate(exchange, .publications, user.isEmpty ? "this address" : "this user", wait)
        }
        guard let users = node.users, !user.isEmpty else { return true }
        guard let wait = users.group(user, now: now).publish(now: now) else { return true }
        return refuseRate(exchange, .userPublications, "this user", wait)
    }

    private func refuseRate(_ exchange: Exchange, _ rate: ClientRate, _ who: String, _ wait: UInt64) -> Bool {
        exchange.loop.metrics.rateRefusals.add(rate)
        exchange.refuse(
            .publishRate, .tooManyRequests, "\(who) publishes too fast, try again",
            fields: [.retryAfter: "\((wait + 999_999) / 1_000_000)"])
        return false
    }

    private func publish(_ exchange: Exchange, _ body: ByteBuffer) {
        let loop = exchange.loop
        loop.metrics.counters.add(.messagesReceived)
        loop.metrics.counters.add(.bytesReceived, body.readableBytes)
        let type = exchange.request.headerFields[values: .contentType].first
        let isText = type != "application/octet-stream" && body.withUnsafeReadableBytes { UTF8Validator.isValid($0) }
        let payload = Payload(kind: isText ? .text : .binary, bytes: body)
        guard !payload.isNestedTooDeep else { return exchange.refuse(.badRequest, .badRequest, JSONDepth.problem) }
        let publication = Publication(
            channel: channel,
            payload: payload,
            publishedAt: loop.node.clock.wallMicroseconds()
        )
        let bound = NIOLoopBound(exchange, eventLoop: loop.eventLoop)
        let eventLoop = loop.eventLoop
        loop.node.broker.publish(publication) { result in
            // The broker in memory answers at once.
            if eventLoop.inEventLoop { return Self.published(bound.value, result) }
            eventLoop.execute { Self.published(bound.value, result) }
        }
    }

    private static func published(_ exchange: Exchange, _ result: Result<PublishReceipt, BrokerError>) {
        switch result {
        case .success:
            exchange.loop.metrics.counters.add(.publicationsIn)
            exchange.answer(.ok, [.contentType: "application/json"], ByteBuffer(string: #"{"result":{}}"#))
        case .failure(let error):
            let outcome = error.outcome
            exchange.refuse(
                .brokerUnavailable, .serviceUnavailable,
                outcome == .notPublished
                    ? "nothing was published: \(error)" : "it may have been published: \(error)",
                fields: [.fanfareOutcome: outcome.rawValue], retry: true)
        }
    }
}
