import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore
@testable import FanfareProtocols

@Suite("Centrifuge session: a refresh with less")
struct SessionRefreshTests {
    private let now = TokenTime(wall: 1_000, monotonic: 0)

    private func session(_ change: (inout ConnectClaims) -> Void) -> CentrifugeSession {
        var rules = ChannelRules()
        rules.subscribe = .nobody
        let policy = CentrifugeSession.Policy(
            nodeName: "n", version: "v", pingSeconds: nil, maxChannelNameBytes: 99, maxChannels: 9,
            permissions: .none, channels: ChannelRulebook(namespaces: ["closed": rules]))
        var session = CentrifugeSession(policy: policy)
        var claims = ConnectClaims()
        claims.user = "42"
        change(&claims)
        let action = session.connect(.init(id: 1, method: .connect(token: "t")), claims, now: now)
        if case .begin(let starts, let id) = action {
            for start in starts { _ = session.subscribed(start.channel, id: id, SubscriptionStart()) }
        }
        return session
    }

    private func subscribe(_ session: inout CentrifugeSession, _ channel: String) throws {
        _ = session.receive(.init(id: 2, method: .subscribe(channel: ExactText(channel))))
        _ = session.subscribed(try ChannelName(channel), id: 2, SubscriptionStart())
    }

    /// What ended, and what the client is told of it.
    private func refresh(
        _ session: inout CentrifugeSession, _ change: (inout ConnectClaims) -> Void
    ) -> [String: String] {
        var claims = ConnectClaims()
        claims.user = "42"
        change(&claims)
        let actions = session.refresh(.init(id: 9, method: .refresh(token: "t")), claims, now: now)
        guard case .send(let reply)? = actions.first, reply.text.contains(#""refresh":{"#) else {
            Issue.record("the first is the reply: \(actions)")
            return [:]
        }
        return actions.dropFirst().reduce(into: [:]) { ended, action in
            if case .unsubscribe(let channel, let replies) = action { ended[channel.string] = replies.text }
        }
    }

    private func capability(_ channels: ExactText...) -> [ChannelCapability] {
        [ChannelCapability(channels: channels, isWildcard: true, allow: [.subscribe, .publish])]
    }

    @Test("a channel that the new capabilities leave out ends with 2000, the others stay")
    func capabilities() throws {
        var session = session { $0.capabilities = capability("news", "room*") }
        for channel in ["news", "room1", "room2"] { try subscribe(&session, channel) }
        let none = refresh(&session) { $0.capabilities = capability("*") }
        #expect(none.isEmpty && session.channelCount == 3)
        let ended = refresh(&session) { $0.capabilities = capability("room1") }
        #expect(ended.keys.sorted() == ["news", "room2"] && session.channelCount == 1)
        #expect(
            ended["news"]?.contains(
                #"{"push":{"channel":"news","unsubscribe":{"code":2000,"reason":"permission denied"}}}"#) == true)
        let publish = CentrifugeCommand(id: 10, method: .publish(channel: "room2", data: ByteBuffer(string: "1")))
        guard case .refuse = session.receive(publish) else {
            Issue.record("it may not publish any more")
            return
        }
        let all = refresh(&session) { $0.capabilities = [] }
        #expect(all.keys.sorted() == ["room1"] && session.channelCount == 0)
    }

    @Test("capabilities that end leave what the namespace lets any user do")
    func withoutCapabilities() throws {
        var session = session { $0.capabilities = capability("*") }
        for channel in ["open", "closed:1"] { try subscribe(&session, channel) }
        let ended = refresh(&session) { _ in }
        #expect(ended.keys.sorted() == ["closed:1"] && session.channelCount == 1)
    }

    @Test("a subscription on its way is refused as its command")
    func pending() throws {
        var session = session { $0.capabilities = capability("a") }
        _ = session.receive(.init(id: 5, method: .subscribe(channel: "a")))
        let ended = refresh(&session) { $0.capabilities = [] }
        #expect(ended["a"]?.contains(#"{"id":5,"error":{"code":103,"#) == true, "\(ended)")
        #expect(session.channelCount == 0)
    }

    @Test("a subscription with a token of its own stays until that ends")
    func ownToken() throws {
        var session = session { $0.capabilities = capability("*") }
        var claims = SubscriptionClaims()
        (claims.user, claims.channel) = ("42", "$a")
        let command = CentrifugeCommand(id: 2, method: .subscribe(CentrifugeSubscribe(channel: "$a", token: "t")))
        _ = session.subscribe(command, claims, now: now)
        _ = session.subscribed(try ChannelName("$a"), id: 2, SubscriptionStart())
        #expect(refresh(&session) { $0.capabilities = [] }.isEmpty && session.channelCount == 1)
    }

    @Test(
        "channels that the node subscribed end when the new token lists others, or lists none and the client may not have them"
    )
    func serverSide() throws {
        let list = { (claims: inout ConnectClaims, channels: [ExactText]) in
            claims.subscriptions = channels.map { ServerSubscription(channel: $0) }
            claims.listsSubscriptions = true
        }
        var session = session { list(&$0, ["a", "b", "$c", "d#42", "closed:e"]) }
        #expect(session.channelCount == 5)
        let fewer = refresh(&session) { list(&$0, ["a", "$c", "d#42", "closed:e", "new"]) }
        #expect(fewer.keys.sorted() == ["b"] && session.channelCount == 4, "new ones wait for the next connect")
        let silent = refresh(&session) { _ in }
        #expect(silent.keys.sorted() == ["$c", "closed:e"], "what it could not have by itself")
        let none = refresh(&session) { list(&$0, []) }
        #expect(none.keys.sorted() == ["a", "d#42"] && session.channelCount == 0)
    }
}
