import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore
@testable import FanfareProtocols

/// Two texts that Swift's `==` takes for one, through every decision of a session: what is meant for the one must not count
/// for the other (RFC 7519 §7.3, RFC 8259 §8.3).
@Suite("Centrifuge session: texts are compared byte for byte")
struct ByteIdentityTests {
    /// One text, and another that is canonically equivalent to it.
    struct Pair: Sendable, CustomTestStringConvertible {
        let one: String
        let other: String
        var testDescription: String { "\(Array(one.unicodeScalars)) and \(Array(other.unicodeScalars))" }
        /// Both ways.
        static let all = [
            Pair(one: "K", other: "\u{212A}"), Pair(one: "inbox_Kim", other: "inbox_\u{212A}im"),
            Pair(one: "\u{E9}", other: "e\u{301}"), Pair(one: "\u{C5}", other: "\u{212B}"),
            Pair(one: "a`b", other: "a\u{1FEF}b"),
        ].flatMap { [$0, Pair(one: $0.other, other: $0.one)] }
    }

    private let now = TokenTime(wall: 1_000, monotonic: 1_000)

    private func session(
        user: ExactText, channels: ChannelRulebook = ChannelRulebook(), clientID: String = "c",
        _ change: (inout ConnectClaims) -> Void = { _ in }
    ) -> CentrifugeSession {
        let policy = CentrifugeSession.Policy(
            nodeName: "n", version: "v", pingSeconds: nil, maxChannelNameBytes: 99, maxChannels: 9,
            permissions: .none, channels: channels)
        var session = CentrifugeSession(policy: policy, clientID: clientID)
        var claims = ConnectClaims()
        claims.user = user
        change(&claims)
        let action = session.connect(.init(id: 1, method: .connect(token: "t")), claims, now: now)
        if case .begin(let starts, let id) = action {
            for start in starts { _ = session.subscribed(start.channel, id: id, SubscriptionStart()) }
        }
        return session
    }

    private func subscribe(_ channel: String) -> CentrifugeCommand {
        .init(id: 2, method: .subscribe(CentrifugeSubscribe(channel: ExactText(channel), token: "t")))
    }

    private func isRefused(_ action: SessionAction) -> Bool {
        if case .refuse = action { true } else { false }
    }

    @Test(
        "a subscription token opens its own channel, for its own user and client, and renews nothing else",
        arguments: Pair.all)
    func subscriptionTokens(pair: Pair) throws {
        var session = session(user: ExactText(pair.one), clientID: pair.one)
        var claims = SubscriptionClaims()
        (claims.user, claims.channel) = (ExactText(pair.one), ExactText("$" + pair.one))
        #expect(session.mismatch(claims, subscribe("$" + pair.one)) == nil)
        #expect(session.mismatch(claims, subscribe("$" + pair.other)) == .otherChannel)
        claims.client = ExactText(pair.one)
        #expect(session.mismatch(claims, subscribe("$" + pair.one)) == nil)
        claims.client = ExactText(pair.other)
        #expect(session.mismatch(claims, subscribe("$" + pair.one)) == .otherChannel)
        (claims.client, claims.user) = (nil, ExactText(pair.other))
        #expect(session.mismatch(claims, subscribe("$" + pair.one)) == .otherUser)
        claims.user = ExactText(pair.one)
        _ = session.subscribe(subscribe("$" + pair.one), claims, now: now)
        _ = session.subscribed(try ChannelName("$" + pair.one), id: 2, SubscriptionStart())
        let refresh = { (channel: String) in
            CentrifugeCommand(id: 3, method: .subRefresh(channel: ExactText(channel), token: "t"))
        }
        #expect(!isRefused(session.receive(refresh("$" + pair.one))))
        #expect(isRefused(session.receive(refresh("$" + pair.other))))
        #expect(isRefused(session.subscribe(refresh("$" + pair.other), claims, now: now)))
    }

    @Test("a refresh is of the same user only", arguments: Pair.all)
    func refresh(pair: Pair) {
        let session = session(user: ExactText(pair.one))
        var claims = ConnectClaims()
        claims.user = ExactText(pair.one)
        #expect(session.mismatch(claims) == nil)
        claims.user = ExactText(pair.other)
        #expect(session.mismatch(claims) == .otherUser)
    }

    @Test("unsubscribe ends the channel that it names and no other", arguments: Pair.all)
    func unsubscribe(pair: Pair) throws {
        var session = session(user: "u")
        _ = session.receive(.init(id: 2, method: .subscribe(channel: ExactText(pair.one))))
        _ = session.subscribed(try ChannelName(pair.one), id: 2, SubscriptionStart())
        _ = session.receive(.init(id: 3, method: .unsubscribe(channel: ExactText(pair.other))))
        #expect(session.channelCount == 1)
        // The other is another channel, which the client can have besides.
        #expect(!isRefused(session.receive(.init(id: 4, method: .subscribe(channel: ExactText(pair.other))))))
        #expect(session.channelCount == 2)
        _ = session.receive(.init(id: 5, method: .unsubscribe(channel: ExactText(pair.one))))
        #expect(session.channelCount == 1)
    }

    @Test("user-limited channels, capabilities and namespaces are of one text", arguments: Pair.all)
    func rules(pair: Pair) throws {
        let (one, other) = (ExactText(pair.one), ExactText(pair.other))
        var limited = session(user: one)
        #expect(!isRefused(limited.receive(.init(id: 2, method: .subscribe(channel: ExactText("a#" + pair.one))))))
        #expect(isRefused(limited.receive(.init(id: 3, method: .subscribe(channel: ExactText("a#" + pair.other))))))
        for isWildcard in [false, true] {
            var capable = session(user: "u") {
                $0.capabilities = [.init(channels: [one], isWildcard: isWildcard, allow: [.subscribe, .publish])]
            }
            #expect(!isRefused(capable.receive(.init(id: 2, method: .subscribe(channel: one)))))
            #expect(isRefused(capable.receive(.init(id: 3, method: .subscribe(channel: other)))))
            let data = ByteBuffer(string: "1")
            #expect(!isRefused(capable.receive(.init(id: 4, method: .publish(channel: one, data: data)))))
            #expect(isRefused(capable.receive(.init(id: 5, method: .publish(channel: other, data: data)))))
        }
        let book = ChannelRulebook(namespaces: [one: ChannelRules()])
        #expect(book.rules(try ChannelName(pair.one + ":x")) != nil)
        #expect(book.rules(try ChannelName(pair.other + ":x")) == nil)
    }

    @Test(
        "channels that the node subscribes are those that the token lists, and so are their places", arguments: Pair.all
    )
    func serverSide(pair: Pair) throws {
        var rules = ChannelRules()
        (rules.history, rules.recovery) = (.init(size: 1, age: .seconds(1)), .stream)
        let policy = CentrifugeSession.Policy(
            nodeName: "n", version: "v", pingSeconds: nil, maxChannelNameBytes: 99, maxChannels: 9,
            permissions: .none, channels: ChannelRulebook(plain: rules))
        var session = CentrifugeSession(policy: policy)
        var claims = ConnectClaims()
        claims.subscriptions = [ServerSubscription(channel: ExactText("$" + pair.one))]
        claims.listsSubscriptions = true
        let place = StreamPosition(offset: 7, epoch: "e")
        let other = CentrifugeSubscribe(channel: ExactText("$" + pair.other), recover: true, position: place)
        let request = CentrifugeConnect(token: "t", subscriptions: [other])
        let channel = try ChannelName("$" + pair.one)
        let action = session.connect(.init(id: 1, method: .connect(request)), claims, now: now)
        #expect(action == .begin([.init(channel: channel, wish: .none)], id: 1), "the place is of another channel")
        _ = session.subscribed(channel, id: 1, SubscriptionStart())
        #expect(isRefused(session.receive(.init(id: 2, method: .subscribe(channel: ExactText("$" + pair.other))))))
        // And a refresh that lists the other ends this one.
        claims.subscriptions = [ServerSubscription(channel: ExactText("$" + pair.other))]
        let actions = session.refresh(.init(id: 3, method: .refresh(token: "t")), claims, now: now)
        #expect(actions.count == 2 && session.channelCount == 0)
    }

    @Test("idempotency keys, members and users are counted by their bytes", arguments: Pair.all)
    func keys(pair: Pair) throws {
        var receipts = MemoryReceipts()
        let channel = try ChannelName("c")
        receipts.note(PublishReceipt(), channel, pair.one, now: 0)
        #expect(receipts.find(channel, pair.one, now: 1) != nil)
        #expect(receipts.find(channel, pair.other, now: 1) == nil)
        var presence = MemoryPresence()
        let infos = [pair.one, pair.other].map { ClientInfo(client: ExactText($0), user: ExactText($0)) }
        #expect(presence.join(infos, returning: false, until: 9).count == 2)
        #expect(presence.stats == PresenceStats(clients: 2, users: 2))
        let census = ClientGroups<ExactText>(ClientGroup.Allowance(connections: 1))
        #expect(census.enter(ExactText(pair.one), now: 0) != nil)
        #expect(census.enter(ExactText(pair.other), now: 0) != nil)
        #expect(census.enter(ExactText(pair.one), now: 0) == nil)
    }
}
