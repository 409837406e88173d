import FanfareCore
import FanfareWire
import NIOCore
import NIOHTTP1

/// The opening handshake: from a request to a client.
extension FrontHandler {
    /// Answers an upgrade to `channel`'s raw protocol.
    func upgradeRaw(_ head: HTTPRequestHead, to channel: ChannelName) {
        guard let rules = rules(channel) else { return }
        let wish: RecoveryWish
        do {
            wish = try RecoveryQuery.wish(head.uri, rules)
        } catch {
            return refuse(.badRequest, .badRequest, "\(error)")
        }
        guard let acceptance = mayUpgrade(head, Upgrade.rawSubprotocols) else { return }
        authenticate(head) { bearer in
            if bearer.identity == nil, !self.loop.node.anonymousPermissions.mayConnect {
                return self.refuseAnonymous("connect")
            }
            let isMember = bearer.channels.contains(channel.text)
            guard isMember || self.may(.subscribe, channel, rules.subscribe, bearer) else {
                return self.refuse(.forbidden, .forbidden, "this client may not subscribe to this channel")
            }
            let mayPublish = self.may(.publish, channel, rules.publish, bearer, isSubscribed: true)
            let client = RawClient(
                channel: channel, rules: rules, mayPublish: mayPublish, identity: bearer.identity)
            self.admit(head, acceptance, to: .raw(Target(client: client, wish: wish)))
        }
    }

    /// What a raw client asked for.
    struct Target {
        let client: RawClient
        let wish: RecoveryWish
    }

    /// What an upgrade is to.
    enum Upgrade {
        /// The raw protocol on a channel.
        case raw(Target)
        /// The Centrifuge client protocol.
        case centrifuge
        /// Every message back to its sender: what conformance suites drive.
        case echo

        /// Browsers that offer a token as a subprotocol want another one chosen.
        fileprivate static let rawSubprotocols = ["fanfare-raw"]

        /// Those that it speaks.
        fileprivate var subprotocols: [String] {
            switch self {
            case .raw: Self.rawSubprotocols
            case .centrifuge: ["centrifuge-json"]
            case .echo: []
            }
        }
    }

    /// Answers an upgrade whose client says later who it is.
    func upgrade(_ head: HTTPRequestHead, to upgrade: Upgrade) {
        guard let acceptance = mayUpgrade(head, upgrade.subprotocols) else { return }
        admit(head, acceptance, to: upgrade)
    }

    /// Checks what costs the node nothing: the handshake, and how often the address has tried. Before any token is looked at.
    private func mayUpgrade(_ head: HTTPRequestHead, _ subprotocols: [String]) -> OpeningHandshake.Acceptance? {
        let handshake = OpeningHandshake.check(
            method: head.method.rawValue,
            majorVersion: head.version.major,
            minorVersion: head.version.minor,
            headers: head.headers.lazy.map { (name: $0.name, value: $0.value) },
            subprotocols: subprotocols,
            deflate: loop.node.configuration.compression.policy
        )
        switch handshake {
        case .failure(let refusal):
            refuse(
                .badRequest,
                HTTPResponseStatus(statusCode: refusal.status),
                refusal.message,
                headers: refusal.headers
            )
            return nil
        case .success(let acceptance):
            return mayTry(head) ? acceptance : nil
        }
    }

    /// Takes a place for a client that may come: on the node, of its address, of its user. A raw client is subscribed before
    /// its 101, so that "open" means "subscribed". Everything that fails gets the HTTP answer that says why.
    private func admit(_ head: HTTPRequestHead, _ acceptance: OpeningHandshake.Acceptance, to upgrade: Upgrade) {
        guard loop.node.connectRate.take(now: loop.node.clock.monotonicMicroseconds()) else {
            return refuse(.connectRate, .serviceUnavailable, "too many clients come at once, try again", retry: true)
        }
        guard loop.node.admission.enter() else {
            return refuse(.connectionLimit, .serviceUnavailable, "the node is full, try again", retry: true)
        }
        let client = ClientConnection(loop: loop, wire: wire(upgrade, head), deflate: acceptance.deflate)
        client.admitted = true
        client.address = caller(head).address
        guard takePlace(client, head) else {
            client.finish()
            return refuse(
                .addressLimit, .tooManyRequests, "this address has too many connections, try again", retry: true)
        }
        guard client.enter(user: client.raw?.identity?.user ?? "") else {
            client.finish()
            return refuse(.userLimit, .tooManyRequests, "this user has too many connections, try again", retry: true)
        }
        guard case .raw(let target) = upgrade else { return complete(client, acceptance, SubscriptionStart()) }
        guard target.wish == .none || client.mayRecover else { return refuseRecovery(client) }
        opening = client
        client.onSubscribed = { [unowned self] result in self.subscribed(client, acceptance, result) }
        loop.settle()
        loop.shard.subscribe(client, to: target.client.channel, request: 0, wish: target.wish)
    }

    private func subscribed(
        _ client: ClientConnection,
        _ acceptance: OpeningHandshake.Acceptance,
        _ result: Result<SubscriptionStart, BrokerError>
    ) {
        switch result {
        case .success(let start):
            guard client.takeRecovery(start.size) else { return refuseRecovery(client) }
            complete(client, acceptance, start)
        case .failure(let error):
            opening = nil
            client.finish()
            refuse(.brokerUnavailable, .serviceUnavailable, "\(error)", retry: true)
        }
    }

    /// Refuses what would be one more big answer that waits for a client to take it.
    private func refuseRecovery(_ client: ClientConnection) {
        opening = nil
        client.finish()
        refuse(
            .recoveries, .serviceUnavailable, "too many clients are still taking what they missed, try again",
            retry: true)
    }

    private func wire(_ upgrade: Upgrade, _ head: HTTPRequestHead) -> ClientConnection.Wire {
        switch upgrade {
        case .raw(let target): .raw(target.client)
        case .centrifuge: centrifuge(head)
        case .echo: .echo
        }
    }

    private func centrifuge(_ head: HTTPRequestHead) -> ClientConnection.Wire {
        let configuration = loop.node.configuration
        var policy = CentrifugeSession.Policy(
            clientID: ClientID.make(),
            nodeName: configuration.nodeName,
            version: FanfareVersion.string,
            pingSeconds: configuration.keepAlive.pingInterval.map { Int($0.components.seconds) },
            maxChannelNameBytes: limits.maxChannelNameBytes,
            maxChannels: limits.maxChannelsPerClient,
            permissions: loop.node.anonymousPermissions,
            channels: loop.node.channels,
            maxRecovery: limits.maxRecovery
        )
        policy.users = loop.node.userPermissions
        policy.ignoresTokens = loop.node.ignoresTokens
        var session = CentrifugeSession(policy: policy)
        session.requestToken = token(head)
        return .centrifuge(session)
    }

    /// Writes the 101 and hands the connection over: the client's handler stays, everything of HTTP goes.
    private func complete(
        _ client: ClientConnection, _ acceptance: OpeningHandshake.Acceptance, _ start: SubscriptionStart
    ) {
        guard let context, case .answering = state else { return client.finish() }
        opening = nil
        state = .done
        leave()
        var headers = HTTPHeaders([
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Accept", acceptance.acceptKey),
            ("Fanfare-Node", loop.node.configuration.nodeName),
        ])
        if let subprotocol = acceptance.subprotocol {
            headers.add(name: "Sec-WebSocket-Protocol", value: subprotocol)
        }
        if let deflate = acceptance.deflate { headers.add(name: "Sec-WebSocket-Extensions", value: deflate.answer) }
        // Where a program can see it: each message is one offset further.
        if let position = start.origin { headers.add(name: "Fanfare-Position", value: "\(position)") }
        let response = HTTPResponseHead(version: .http1_1, status: .switchingProtocols, headers: headers)
        context.write(wrapOutboundOut(.head(response)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        HTTPPipeline.replace(in: context, with: client)
        client.begin(start)
    }
}
