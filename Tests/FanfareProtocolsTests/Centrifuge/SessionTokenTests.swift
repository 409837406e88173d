import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore
@testable import FanfareProtocols

@Suite("Centrifuge session: tokens")
struct SessionTokenTests {
    private let now = TokenTime(wall: 1_000, monotonic: 77)

    private func session(
        _ anonymous: ClientPermissions = .none, channels: ChannelRulebook = ChannelRulebook(),
        ignoresTokens: Bool = false
    ) -> CentrifugeSession {
        var policy = CentrifugeSession.Policy(
            nodeName: "n", version: "v", pingSeconds: 25, maxChannelNameBytes: 20, maxChannels: 3,
            permissions: anonymous, channels: channels)
        policy.ignoresTokens = ignoresTokens
        return CentrifugeSession(policy: policy)
    }

    /// A moment so many seconds after 1970, on clocks that nobody set.
    private func at(_ wall: Int64) -> TokenTime {
        TokenTime(wall: wall, monotonic: now.monotonic + wall - now.wall)
    }

    /// A session of user 42 with these claims.
    private func connected(
        channels: ChannelRulebook = ChannelRulebook(), _ change: (inout ConnectClaims) -> Void = { _ in }
    ) -> CentrifugeSession {
        var session = session(channels: channels)
        var claims = ConnectClaims()
        claims.user = "42"
        change(&claims)
        _ = session.connect(Self.connect("t"), claims, now: now)
        return session
    }

    private static func connect(_ token: String?, id: UInt32 = 1) -> CentrifugeCommand {
        .init(id: id, method: .connect(token: token))
    }

    private static func subscribe(_ channel: String, token: String? = nil) -> CentrifugeCommand {
        .init(id: 2, method: .subscribe(CentrifugeSubscribe(channel: ExactText(channel), token: token)))
    }

    private func text(_ action: SessionAction) -> String {
        switch action {
        case .send(let body), .refuse(let body): body.text
        case .unsubscribe(_, let replies): replies.text
        case .disconnect(let disconnect, _): "disconnect \(disconnect.code)"
        case .subscribe: "subscribe"
        case .publish: "publish"
        case .authenticate(let token, _): "authenticate \(token)"
        default: "\(action)"
        }
    }

    @Test("a token in connect wins over the request's, and without both a client is anonymous")
    func sources() {
        var both = session()
        both.requestToken = "request"
        #expect(text(both.receive(Self.connect("own"))) == "authenticate own")
        #expect(text(both.receive(Self.connect(""))) == "authenticate request")
        #expect(text(both.receive(Self.connect(nil))) == "authenticate request")
        var none = session()
        #expect(text(none.receive(Self.connect(""))).contains(#""code":101"#))
        var open = session(.subscribe)
        #expect(text(open.receive(Self.connect(nil))).contains(#""client":"c""#))
        var dev = session(.publish, ignoresTokens: true)
        #expect(text(dev.receive(Self.connect("anything"))).contains(#""client":"c""#))
    }

    @Test("the reply to connect says when the token has to be refreshed")
    func expires() {
        var session = session()
        var claims = ConnectClaims()
        claims.expiresAt = now.wall + 60
        let reply = text(session.connect(Self.connect("t"), claims, now: now))
        #expect(reply.contains(#""expires":true,"ttl":60"#) && session.isConnected)
        #expect(session.grants.secondsLeft(now) == 60)
    }

    @Test("a refused token gets the protocol's code, and only one is looked at")
    func refused() {
        for (refusal, code) in [
            (TokenRefusal.expired, 109), (.signature, 101), (.algorithm, 101), (.unknownKey, 101), (.audience, 101),
        ] {
            var session = session(.publish)
            #expect(text(session.refused(Self.connect("t"), refusal)).contains("\"code\":\(code)"))
            #expect(!session.isConnected)
            #expect(session.receive(Self.connect("another", id: 2)) == .disconnect(.invalidToken))
            #expect(session.receive(Self.connect(nil, id: 2)) == .disconnect(.invalidToken))
        }
        var waiting = session()
        let answer = text(waiting.refused(Self.connect("t"), .keysUnavailable))
        #expect(answer.contains(#""code":100"#) && answer.contains(#""temporary":true"#))
        #expect(text(waiting.receive(Self.connect("t"))) == "authenticate t", "it may come again")
    }

    @Test("a key that may be known a moment later is no refusal for good, wherever the token comes")
    func pendingKey() {
        var connecting = session()
        _ = connecting.receive(Self.connect("t"))
        let answer = text(connecting.refused(.keyPending))
        #expect(answer.contains(#""code":100"#) && answer.contains(#""temporary":true"#))
        // Its signature was looked at: the next try is another connection.
        #expect(text(connecting.receive(Self.connect("t", id: 2))) == "disconnect 1013")
        for command in [
            Self.subscribe("$a", token: "t"), CentrifugeCommand(id: 2, method: .refresh(token: "t")),
        ] {
            var session = connected { $0.expiresAt = 2_000 }
            #expect(text(session.receive(command)) == "authenticate t")
            let answer = text(session.refused(.keyPending))
            #expect(answer.contains(#""code":100"#) && answer.contains(#""temporary":true"#), "\(answer)")
            #expect(session.isConnected && text(session.receive(command)) == "authenticate t", "it may try again")
        }
    }

    @Test("the token's channels are subscribed before connect is answered, and the answer says how they begin")
    func serverSide() throws {
        var session = session()
        var claims = ConnectClaims()
        claims.subscriptions = [ServerSubscription(channel: "a"), ServerSubscription(channel: "$b")]
        let (a, b) = try (ChannelName("a"), ChannelName("$b"))
        let action = session.connect(Self.connect("t"), claims, now: now)
        #expect(action == .begin([.init(channel: a, wish: .none), .init(channel: b, wish: .none)], id: 1))
        #expect(session.isConnecting && !session.isConnected)
        let early = session.subscribed(b, id: 1, SubscriptionStart())
        #expect(early == nil)
        let start = SubscriptionStart(position: StreamPosition(offset: 7, epoch: "e"))
        let reply = session.subscribed(a, id: 1, start)?.text ?? ""
        #expect(reply.contains(#""subs":{"$b":{},"a":{"positioned":true,"epoch":"e","offset":7}}"#), "\(reply)")
        #expect(session.isConnected && !session.isConnecting && session.grants.isServerSide(a))
        #expect(text(session.receive(Self.subscribe("a"))).contains(#""code":105"#))
    }

    @Test("where the client was is found by the bytes of the channel's name; of two answers the last counts")
    func serverSidePositions() throws {
        var rules = ChannelRules()
        rules.history = .init(size: 9, age: .seconds(60))
        rules.recovery = .stream
        var session = session(channels: ChannelRulebook(namespaces: ["h": rules]))
        var claims = ConnectClaims()
        claims.subscriptions = ["h:a", "h:\u{e9}"].map { ServerSubscription(channel: ExactText($0)) }
        func place(_ channel: String, _ offset: UInt64) -> CentrifugeSubscribe {
            CentrifugeSubscribe(
                channel: ExactText(channel), recover: true, position: StreamPosition(offset: offset, epoch: "abcdefgh"))
        }
        let request = CentrifugeConnect(
            token: "t", subscriptions: [place("h:a", 1), place("h:e\u{301}", 3), place("no name", 4), place("h:a", 2)])
        let action = session.connect(.init(id: 1, method: .connect(request)), claims, now: now)
        let (a, e) = try (ChannelName("h:a"), ChannelName("h:\u{e9}"))
        let position = StreamPosition(offset: 2, epoch: "abcdefgh")
        #expect(action == .begin([.init(channel: a, wish: .since(position)), .init(channel: e, wish: .none)], id: 1))
    }

    @Test("channels that can't be refuse the connection with their reason")
    func badChannels() {
        let book = ChannelRulebook(namespaces: ["chat": ChannelRules()])
        for (names, code) in [(["a b"], 107), (["x:1"], 102), (["a", "b", "c", "d"], 106)] {
            var session = session(channels: book)
            var claims = ConnectClaims()
            claims.subscriptions = names.map { ServerSubscription(channel: ExactText($0)) }
            let answer = text(session.connect(Self.connect("t"), claims, now: now))
            #expect(answer.contains("\"code\":\(code)"), "\(answer)")
            #expect(!session.isConnected && session.channelCount == 0)
        }
    }

    @Test("a private channel opens with a subscription token, and with nothing else")
    func privateChannels() throws {
        var session = connected { $0.capabilities = [.init(channels: ["*"], isWildcard: true, allow: .subscribe)] }
        #expect(text(session.receive(Self.subscribe("$a"))).contains(#""code":103"#))
        let command = Self.subscribe("$a", token: "t")
        #expect(text(session.receive(command)) == "authenticate t")
        var claims = SubscriptionClaims()
        (claims.user, claims.channel, claims.expiresAt) = ("42", "$a", now.wall + 30)
        #expect(session.mismatch(claims, command) == nil)
        #expect(text(session.subscribe(command, claims, now: now)) == "subscribe")
        let channel = try ChannelName("$a")
        let reply = session.subscribed(channel, id: 2, SubscriptionStart())?.text ?? ""
        #expect(reply.contains(#""expires":true,"ttl":30"#))
        #expect(session.grants.secondsLeft(now) == 30)
        claims.user = "43"
        #expect(session.mismatch(claims, command) == .otherUser)
        (claims.user, claims.channel) = ("42", "$b")
        #expect(session.mismatch(claims, command) == .otherChannel)
        (claims.channel, claims.client) = ("$a", "another")
        #expect(session.mismatch(claims, command) == .otherChannel)
    }

    @Test("a user-limited channel is for its users, whatever the capabilities say")
    func userChannels() {
        for capabilities in [nil, [ChannelCapability(channels: ["*"], isWildcard: true, allow: .subscribe)]] {
            var session = connected { $0.capabilities = capabilities }
            #expect(text(session.receive(Self.subscribe("a#42"))) == "subscribe")
            #expect(text(session.receive(Self.subscribe("a#41;42"))) == "subscribe")
            #expect(text(session.receive(Self.subscribe("a#43"))).contains(#""code":103"#))
        }
        var anonymous = session(.publish)
        _ = anonymous.receive(Self.connect(nil))
        #expect(text(anonymous.receive(Self.subscribe("a#"))).contains(#""code":103"#))
    }

    @Test("capabilities are all that a client may do")
    func capabilities() throws {
        var rules = ChannelRules()
        (rules.history, rules.readHistory) = (.init(size: 1, age: .seconds(1)), .clients)
        var session = connected(channels: ChannelRulebook(plain: rules)) {
            $0.capabilities = [
                .init(channels: ["news*"], isWildcard: true, allow: [.subscribe, .history]),
                .init(channels: ["chat"], allow: [.publish]),
            ]
        }
        func publish(_ channel: String) -> String {
            text(
                session.receive(
                    .init(id: 3, method: .publish(channel: ExactText(channel), data: ByteBuffer(string: "1")))))
        }
        #expect(publish("chat") == "publish")
        #expect(publish("news").contains(#""code":103"#))
        #expect(text(session.receive(Self.subscribe("news"))) == "subscribe")
        #expect(text(session.receive(Self.subscribe("chat"))).contains(#""code":103"#))
        #expect(text(session.receive(.init(id: 4, method: .history(channel: "chat")))).contains(#""code":103"#))
        #expect(!text(session.receive(.init(id: 4, method: .history(channel: "news")))).contains("error"))
    }

    @Test("without capabilities a user may listen, and publish only where the node lets users")
    func users() {
        var session = connected()
        let command = CentrifugeCommand(id: 3, method: .publish(channel: "a", data: ByteBuffer(string: "1")))
        #expect(text(session.receive(command)).contains(#""code":103"#))
        #expect(text(session.receive(Self.subscribe("a"))) == "subscribe")
    }

    @Test("refresh moves the expiry, of the same user only")
    func refresh() {
        var session = connected { $0.expiresAt = 1_060 }
        let command = CentrifugeCommand(id: 5, method: .refresh(token: "new"))
        #expect(text(session.receive(command)) == "authenticate new")
        var claims = ConnectClaims()
        (claims.user, claims.expiresAt) = ("42", 1_160)
        #expect(session.mismatch(claims) == nil)
        let reply = session.refresh(command, claims, now: now).map(text).joined()
        #expect(reply.contains(#"{"id":5,"refresh":{"client":"c","version":"v","expires":true,"ttl":160}}"#))
        #expect(session.expire(at(1_159)) == [] && session.expire(at(1_160)) == [.disconnect(.expired)])
        claims.user = "43"
        #expect(session.mismatch(claims) == .otherUser)
        #expect(session.refused(command, .otherUser) == .disconnect(.invalidToken))
        #expect(session.refused(command, .expired) == .disconnect(.expired))
    }

    @Test("an expired subscription ends alone, and can be refreshed before")
    func subscriptionExpiry() throws {
        var session = connected()
        var claims = SubscriptionClaims()
        (claims.user, claims.channel, claims.expiresAt) = ("42", "$a", 1_030)
        _ = session.subscribe(Self.subscribe("$a", token: "t"), claims, now: now)
        #expect(session.expire(at(1_030)) == [], "it is not in force yet")
        let channel = try ChannelName("$a")
        _ = session.subscribed(channel, id: 2, SubscriptionStart())
        let command = CentrifugeCommand(id: 6, method: .subRefresh(channel: "$a", token: "new"))
        #expect(text(session.receive(command)) == "authenticate new")
        claims.expiresAt = 1_090
        #expect(
            text(session.subscribe(command, claims, now: now)).contains(
                #"{"id":6,"sub_refresh":{"expires":true,"ttl":90}}"#))
        #expect(session.expire(at(1_089)) == [])
        let ended = session.expire(at(1_090))
        #expect(ended.count == 1 && session.channelCount == 0)
        #expect(
            text(ended[0]).contains(
                #"{"push":{"channel":"$a","unsubscribe":{"code":2501,"reason":"subscription expired"}}}"#))
        #expect(text(session.receive(command)).contains(#""code":103"#), "not subscribed")
    }

    @Test("a subscription without a token can't be refreshed")
    func noToken() throws {
        var session = connected()
        _ = session.receive(Self.subscribe("a"))
        _ = session.subscribed(try ChannelName("a"), id: 2, SubscriptionStart())
        let command = CentrifugeCommand(id: 6, method: .subRefresh(channel: "a", token: "new"))
        #expect(text(session.receive(command)).contains(#""code":108"#))
    }

    @Test("a subscription token may let its bearer publish")
    func allow() throws {
        var session = connected()
        var claims = SubscriptionClaims()
        (claims.user, claims.channel, claims.allow) = ("42", "$a", .publish)
        _ = session.subscribe(Self.subscribe("$a", token: "t"), claims, now: now)
        _ = session.subscribed(try ChannelName("$a"), id: 2, SubscriptionStart())
        let publish = { (channel: String) in
            CentrifugeCommand(id: 7, method: .publish(channel: ExactText(channel), data: ByteBuffer(string: "1")))
        }
        #expect(text(session.receive(publish("$a"))) == "publish")
        #expect(text(session.receive(publish("a"))).contains(#""code":103"#))
    }
}
