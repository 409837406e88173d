import FanfareCore
import FanfareWire
import NIOCore
import NIOHTTP1

/// What a request on the public port gets.
extension FrontHandler {
    func received(_ head: HTTPRequestHead) {
        knownCaller = nil
        isHead = head.method == .HEAD
        isAnsweredEarly = false
        requestHead = head
        guard !loop.node.isDraining else {
            return refuse(.draining, .serviceUnavailable, "the node is restarting, try again", retry: true)
        }
        let check: RequestCheck
        do throws(RequestCheck.Refusal) {
            check = try RequestCheck(
                version: (head.version.major, head.version.minor), target: head.uri, values: { head.headers[$0] })
        } catch {
            return refuse(.badRequest, HTTPResponseStatus(statusCode: error.status), error.message)
        }
        let route = route(head)
        guard route == .page || mayCome(head, check.host) else { return refuseOrigin() }
        switch route {
        case .publish(let channel):
            guard let rules = rules(channel) else { return }
            // With a token it is decided when the request is complete.
            guard token(head) != nil || mayPublish(channel, rules, Bearer()) else { return }
            guard !check.isCompressed else {
                return refuse(.badRequest, .unsupportedMediaType, "the body must not be compressed")
            }
            guard check.fits(messageLimit(channel)) else { return refuseBody(messageLimit(channel)) }
            state = .body(channel, head, ByteBuffer())
            if check.awaitsContinue { sayContinue() }
        default:
            guard check.fits(limits.maxMessageBytes) else { return refuseBody(limits.maxMessageBytes) }
            state = .discarding(head, bytes: 0)
            guard check.awaitsContinue else { return }
            // Nothing depends on the body, so nobody waits for it.
            isAnsweredEarly = true
            respondEarly(to: head, route)
        }
    }

    /// Lets a client send the body that it holds back (RFC 9110 §10.1.1).
    private func sayContinue() {
        guard let context else { return }
        let head = HTTPResponseHead(version: .http1_1, status: .continue)
        context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
    }

    /// Answers a request whose client holds back a body that nobody wants.
    private func respondEarly(to head: HTTPRequestHead, _ route: Route) {
        stopWaiting()
        state = .answering
        let isUpgrade =
            switch route {
            case .centrifugeWebSocket, .rawWebSocket: true
            default: loop.node.configuration.echo
            }
        guard isUpgrade else { return respond(to: head) }
        // Where its body ends, frames would begin; and it may never come.
        refuse(.badRequest, .expectationFailed, "an upgrade has no body to wait for")
    }

    /// The request is complete, its body was thrown away.
    func respond(to head: HTTPRequestHead) {
        if loop.node.configuration.echo { return upgrade(head, to: .echo) }
        switch route(head) {
        case .page:
            answer(.ok, Page.headers, Page.bytes, head: head)
        case .centrifugeWebSocket:
            upgrade(head, to: .centrifuge)
        case .rawWebSocket(let channel):
            upgradeRaw(head, to: channel)
        case .publish:
            preconditionFailure("a publish collects its body")
        case .methodNotAllowed(let allow):
            refuse(.notFound, .methodNotAllowed, "only \(allow) here", headers: [("Allow", allow)])
        case .badChannel(let error):
            refuse(.badChannel, .badRequest, "\(error)")
        case .notFound:
            refuse(.notFound, .notFound, "no such path; see / for what there is")
        }
    }

    /// Whether a request may publish; where not, it is refused.
    private func mayPublish(_ channel: ChannelName, _ rules: ChannelRules, _ bearer: Bearer) -> Bool {
        if may(.publish, channel, rules.publish, bearer) { return true }
        if bearer.identity == nil, !loop.node.anonymousPermissions.mayPublish {
            refuseAnonymous("publish")
        } else {
            refuse(.forbidden, .forbidden, "this client may not publish into this channel like this")
        }
        return false
    }

    /// Publishes a request's body, then answers, if its token lets it.
    func publish(_ channel: ChannelName, _ head: HTTPRequestHead, _ body: ByteBuffer) {
        // A token costs as much to check as one of an upgrade; only good ones are no attempts.
        let hasToken = token(head) != nil
        guard !hasToken || mayTry(head) else { return }
        authenticate(head) { bearer in
            if hasToken { self.hasTried(head) }
            guard let rules = self.rules(channel), self.mayPublish(channel, rules, bearer),
                self.isInTime(head, bearer)
            else { return }
            self.send(channel, head, body)
        }
    }

    /// Whether whoever sends a request may publish now; where not, it is refused.
    private func isInTime(_ head: HTTPRequestHead, _ bearer: Bearer) -> Bool {
        let now = loop.node.clock.monotonicMicroseconds()
        let user = bearer.identity?.user ?? ""
        let publisher = user.isEmpty ? Publisher.address(caller(head).address.counted) : .user(user)
        if let wait = loop.node.publishers?.party(publisher, now: now).publish(now: now) {
            return refuseRate(.publications, user.isEmpty ? "this address" : "this user", wait)
        }
        guard let users = loop.node.users, !user.isEmpty else { return true }
        guard let wait = users.party(user, now: now).publish(now: now) else { return true }
        return refuseRate(.userPublications, "this user", wait)
    }

    private func refuseRate(_ rate: ClientRate, _ who: String, _ wait: UInt64) -> Bool {
        loop.metrics.rateRefusals.add(rate)
        refuse(
            .publishRate, .tooManyRequests, "\(who) publishes too fast, try again",
            headers: [("Retry-After", "\((wait + 999_999) / 1_000_000)")])
        return false
    }

    private func send(_ channel: ChannelName, _ head: HTTPRequestHead, _ body: ByteBuffer) {
        loop.metrics.counters.add(.messagesReceived)
        loop.metrics.counters.add(.bytesReceived, body.readableBytes)
        let isBinary = head.headers.first(name: "content-type") == "application/octet-stream"
        let isText = !isBinary && body.withUnsafeReadableBytes { UTF8Validator.isValid($0) }
        let payload = Payload(kind: isText ? .text : .binary, bytes: body)
        guard !payload.isNestedTooDeep else { return refuse(.badRequest, .badRequest, JSONDepth.problem) }
        let publication = Publication(
            channel: channel,
            payload: payload,
            publishedAt: loop.node.clock.wallMicroseconds()
        )
        let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
        let eventLoop = loop.eventLoop
        loop.node.broker.publish(publication) { result in
            // The broker in memory answers at once.
            if eventLoop.inEventLoop { return bound.value.published(head, result) }
            eventLoop.execute { bound.value.published(head, result) }
        }
    }

    /// The rules of a channel; where there are none, the request is refused.
    func rules(_ channel: ChannelName) -> ChannelRules? {
        if let rules = loop.node.channels.rules(channel) { return rules }
        refuse(.badChannel, .notFound, "unknown namespace of channel '\(channel)'")
        return nil
    }

    /// Most bytes of a message in that channel.
    func messageLimit(_ channel: ChannelName) -> Int {
        min(limits.maxMessageBytes, loop.node.channels.rules(channel)?.maxMessageBytes ?? .max)
    }

    func refuseBody(_ limit: Int) {
        refuse(.badRequest, .payloadTooLarge, "the body is above the limit of \(limit) bytes")
    }

    private func published(_ head: HTTPRequestHead, _ result: Result<PublishReceipt, BrokerError>) {
        switch result {
        case .success:
            loop.metrics.counters.add(.publicationsIn)
            answer(.ok, [("Content-Type", "application/json")], ByteBuffer(string: #"{"result":{}}"#), head: head)
        case .failure(let error):
            let outcome = error.outcome
            refuse(
                .brokerUnavailable, .serviceUnavailable,
                outcome == .notPublished
                    ? "nothing was published: \(error)" : "it may have been published: \(error)",
                headers: [("Fanfare-Outcome", outcome.rawValue)], retry: true)
        }
    }

    /// A page may show itself from everywhere; what it does is held to its origin.
    private func mayCome(_ head: HTTPRequestHead, _ host: HostField?) -> Bool {
        guard head.headers.contains(name: "origin") else { return true }
        return loop.node.configuration.origins.allows(
            head.headers["origin"], host: host,
            overTLS: loop.node.tls != nil || loop.node.callers.isOverTLS(peer: peer, head.headers))
    }

    private func refuseOrigin() {
        refuse(
            .origin,
            .forbidden,
            "pages from this origin may not connect here (the operator lists those that may in --allowed-origins)"
        )
    }

    /// Refuses a client without credentials.
    func refuseAnonymous(_ what: String) {
        refuse(
            .unauthorized,
            .unauthorized,
            "anonymous clients may not \(what) here (the operator allows it with --anonymous or --dev)"
        )
    }

    /// Answers with an error, counts it, and ends the connection.
    func refuse(
        _ reason: RefusalReason,
        _ status: HTTPResponseStatus,
        _ message: String,
        headers: [(String, String)] = [],
        retry: Bool = false
    ) {
        guard case .done = state else {
            loop.metrics.refusals.add(reason)
            log(reason, status, message)
            var headers = headers + [("Content-Type", "text/plain; charset=utf-8"), ("Connection", "close")]
            if retry { headers.append(("Retry-After", "\(loop.node.retryAfter)")) }
            return write(status, headers, ByteBuffer(string: message + "\n"), close: true)
        }
    }

    /// Answers and keeps the connection where the request allows that.
    private func answer(
        _ status: HTTPResponseStatus,
        _ headers: [(String, String)],
        _ body: ByteBuffer,
        head: HTTPRequestHead
    ) {
        // After a request that asked for an upgrade the decoder does not read on.
        let keep = head.isKeepAlive && !head.headers.contains(name: "upgrade") && !isAnsweredEarly
        write(status, keep ? headers : headers + [("Connection", "close")], body, close: !keep)
    }

    private func write(
        _ status: HTTPResponseStatus,
        _ headers: [(String, String)],
        _ body: ByteBuffer,
        close: Bool
    ) {
        guard let context else { return }
        if case .done = state { return }
        state = close ? .done : .idle
        hasAnswered = true
        requestHead = nil
        var fields = HTTPHeaders(headers)
        fields.add(name: "Fanfare-Node", value: loop.node.configuration.nodeName)
        fields.add(name: "Content-Length", value: String(body.readableBytes))
        let head = HTTPResponseHead(version: .http1_1, status: status, headers: fields)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if !isHead { context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
        let end = context.write(wrapOutboundOut(.end(nil)))
        isHead = false
        hasUnflushed = true
        restartDeadline()
        if close {
            // The peer may still be sending: ending our half first lets it read the answer before the reset.
            let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
            end.whenComplete { _ in bound.value.close(mode: .output, promise: nil) }
        }
        goOn()
    }

    private func route(_ head: HTTPRequestHead) -> Route {
        Route(method: head.method.rawValue, target: head.uri, channelBytes: limits.maxChannelNameBytes)
    }
}
