import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore
@testable import FanfareProtocols

@Suite("Centrifuge session: clients that only hear, and those that send requests")
struct UnidirectionalSessionTests {
    private let now = TokenTime(wall: 1_000, monotonic: 77)

    private func session(
        _ anonymous: ClientPermissions = .subscribe, link: CentrifugeLink? = .unidirectional
    ) -> CentrifugeSession {
        CentrifugeSession(
            CentrifugeSession.SharedPolicy(
                .init(
                    nodeName: "n", version: "v", pingSeconds: 25, maxChannelNameBytes: 20, maxChannels: 3,
                    permissions: anonymous)), clientID: "c", link: link)
    }

    /// What the session does with a first message.
    private func first(_ text: String, _ session: inout CentrifugeSession) -> SessionAction {
        guard case .commands(let count) = session.take(Payload(text: text)) else { return .disconnect(.badRequest) }
        guard case .perform(let command) = session.queue.next(mayRead: true) else { return .disconnect(.badRequest) }
        #expect(count == 1)
        return session.receive(command)
    }

    private func text(_ action: SessionAction) -> String {
        switch action {
        case .send(let body), .refuse(let body): body.text
        case .unsubscribe(_, let replies): replies.text
        case .disconnect(let disconnect, let reason): "\(disconnect.code) \(reason ?? "")"
        case .authenticate(let token, _): "authenticate \(token)"
        default: "\(action)"
        }
    }

    @Test(
        "the first message is a connect request, also over several lines, and nothing; its reply is a push without pong"
    )
    func connects() {
        for request in ["", "{}", " { } ", "{\r\n  \"data\": {\"a\": 1},\n  \"name\": \"js\"\n}", #"{"subs":{}}"#] {
            var session = session()
            let push = #"{"connect":{"client":"c","version":"v","node":"n","ping":25}}"#
            #expect(text(first(request, &session)) == push, "\(request)")
            #expect(session.isConnected && session.isUnidirectional)
        }
    }

    @Test("a token in it is checked, and its channels stand in the push")
    func tokens() throws {
        var session = session(.none)
        #expect(text(first(#"{"token":"t"}"#, &session)) == "authenticate t")
        var claims = ConnectClaims()
        claims.user = "42"
        claims.subscriptions = [ServerSubscription(channel: "news")]
        let actions = try session.authenticated(claims, now: now).get()
        guard case .begin(let starts, let id) = try #require(actions.first) else {
            Issue.record("\(actions)")
            return
        }
        #expect(starts.map(\.channel.string) == ["news"])
        let reply = session.subscribed(try ChannelName("news"), id: id, SubscriptionStart())
        #expect(reply?.text == #"{"connect":{"client":"c","version":"v","node":"n","ping":25,"subs":{"news":{}}}}"#)
    }

    @Test(
        "what is no connect request ends with 3501, and nothing in it is another command",
        arguments: [
            "x", "[]", "1", "null", #"{"token":1}"#, "{}{}", "{}\n{}", #"{},"publish":{"channel":"a","data":1}"#,
            #"{},"id":7"#, #"{}}{"id":2,"ping":{}"#, "{", "\u{FEFF}{}",
        ])
    func nonsense(request: String) {
        var session = session()
        #expect(text(first(request, &session)).hasPrefix("3501"), "\(request)")
        #expect(!session.isConnected)
    }

    @Test("what it says after that is not heeded")
    func silent() {
        var session = session()
        _ = first("{}", &session)
        for message in ["{}", #"{"id":2,"publish":{"channel":"a","data":1}}"#, "x"] {
            guard case .commands(0) = session.take(Payload(text: message)) else {
                Issue.record("\(message)")
                return
            }
            #expect(session.queue.isEmpty)
        }
    }

    @Test("errors are ends: with the token 3005, 3500 and 1013, and 3500 where strangers may not connect")
    func errors() {
        for (refusal, end) in [
            (TokenRefusal.expired, "3005 token expired"), (.signature, "3500 unauthorized"),
            (.keyPending, "1013 tokens can't be checked at the moment"),
        ] {
            var session = session(.none)
            _ = first(#"{"token":"t"}"#, &session)
            #expect(text(session.refused(refusal)) == end)
        }
        var session = session(.none)
        #expect(text(first("{}", &session)) == "3500 unauthorized")
    }

    @Test("it can bring no new token, so it ends when its own does")
    func expiry() throws {
        var session = Session.centrifuge(session(.none))
        _ = session.take(Payload(text: #"{"token":"t"}"#))
        guard case .perform(let command, _) = session.next(mayRead: true) else {
            Issue.record("no command")
            return
        }
        _ = session.perform(command)
        var claims = ConnectClaims()
        claims.user = "42"
        claims.expiresAt = 1_010
        _ = try session.authenticated(claims, now: now).get()
        #expect(session.secondsLeft(now, grace: 25) == 10)
        let actions = session.expire(TokenTime(wall: 1_010, monotonic: 87), grace: 25)
        #expect(actions.map(text) == ["3005 "])
    }

    @Test("publications, joins and farewells come without an envelope")
    func pushes() throws {
        let channel = try ChannelName("a")
        let publication = Publication(channel: channel, payload: Payload(text: "[1]"))
        let codec = UnidirectionalJSONCodec()
        #expect(codec.body(publication).text == #"{"channel":"a","pub":{"data":[1]}}"#)
        let only = Session.centrifuge(session())
        #expect(
            only.farewell(.slow, reason: "s")?.text == #"{"disconnect":{"code":3008,"reason":"s"}}"#)
        var session = session()
        _ = first("{}", &session)
        #expect(
            session.unsubscribed(channel, .insufficientState).text
                == #"{"channel":"a","unsubscribe":{"code":2500,"reason":"insufficient state"}}"#)
    }

    @Test(
        "who sends requests is told what to show with them, answers pings, and has replies and envelopes as on a WebSocket"
    )
    func emulated() {
        var session = session(link: .emulated(session: "secret"))
        _ = session.take(Payload(text: #"{"id":9,"connect":{}}"#))
        guard case .perform(let command) = session.queue.next(mayRead: true) else {
            Issue.record("no command")
            return
        }
        #expect(
            text(session.receive(command))
                == #"{"id":9,"connect":{"client":"c","version":"v","node":"n","session":"secret","ping":25,"pong":true}}"#
        )
        let whole = Session.centrifuge(session)
        #expect(whole.answersPing && whole.mayRefresh && !session.isUnidirectional)
        #expect(
            whole.farewell(.serviceRestart, reason: "r")?.text
                == #"{"push":{"disconnect":{"code":1012,"reason":"r"}}}"#)
    }
}
