import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore
@testable import FanfareProtocols

@Suite("Centrifuge session: what a backend does with the client")
struct SessionCommandTests {
    private let now = TokenTime(wall: 1_000, monotonic: 0)
    private let position = StreamPosition(offset: 41, epoch: "k3vxq7ab")

    private func session(
        _ encoding: CentrifugeEncoding = .json, link: CentrifugeLink? = nil, maxChannels: Int = 2
    ) -> Session {
        var kept = ChannelRules()
        kept.history = ChannelRules.Retention(size: 9, age: .seconds(60))
        kept.recovery = .stream
        var newest = kept
        newest.recovery = .cache
        let policy = CentrifugeSession.Policy(
            nodeName: "n", version: "v", pingSeconds: nil, maxChannelNameBytes: 99, maxChannels: maxChannels,
            permissions: .publish, channels: ChannelRulebook(namespaces: ["kept": kept, "newest": newest]))
        var session = CentrifugeSession(.init(policy), clientID: "c", encoding: encoding, link: link)
        _ = session.receive(.init(id: 1, method: .connect(token: nil)))
        return .centrifuge(session)
    }

    /// What a session wants done, with the texts that its client is told.
    private func words(_ result: Session.Commanded) -> String {
        switch result {
        case .done(let action): "done \(words(action))"
        case .begun(let action): "begun \(words(action))"
        case .awaited: "awaited"
        case .unchanged: "unchanged"
        case .full: "full"
        case .unsupported: "unsupported"
        }
    }

    private func words(_ action: SessionAction) -> String {
        switch action {
        case .none: "nothing"
        case .send(let body): body.text
        case .announce(let body, let start): "\(body.text) and \(start.publications.count)"
        case .subscribe(let channel, let wish, let selection, let id):
            "subscribe \(channel) \(wish) \(selection == nil ? "all" : "some") \(id)"
        case .unsubscribe(let channel, let replies): "unsubscribe \(channel) \(replies.text)"
        default: "\(action)"
        }
    }

    private func subscribe(
        _ session: inout Session, _ channel: String, _ change: (inout CommandedSubscription) -> Void = { _ in }
    ) throws -> String {
        var wanted = CommandedSubscription(channel: try ChannelName(channel))
        change(&wanted)
        return words(session.subscribe(wanted, now: now))
    }

    @Test("a subscription is made at the hub, and told by a push when it is in force")
    func subscribes() throws {
        var session = session()
        #expect(try subscribe(&session, "news") == "begun subscribe news none all 0")
        // Once in each channel, whoever wanted it.
        #expect(try subscribe(&session, "news") == "awaited")
        let action = session.subscribed(try ChannelName("news"), id: 0, SubscriptionStart())
        #expect(words(action) == #"{"push":{"channel":"news","subscribe":{}}} and 0"#)
        #expect(try subscribe(&session, "news") == "unchanged")
        #expect(
            try subscribe(&session, "kept:a") { $0.data = Payload(text: #"{"a":1}"#) }
                == "begun subscribe kept:a none all 0")
        let kept = session.subscribed(try ChannelName("kept:a"), id: 0, SubscriptionStart(position: position))
        #expect(
            words(kept)
                == #"{"push":{"channel":"kept:a","subscribe":{"positioned":true,"epoch":"k3vxq7ab","offset":41,"#
                + #""recoverable":true,"data":{"a":1}}}} and 0"#)
        #expect(try subscribe(&session, "third") == "full")
    }

    @Test("what was missed comes behind the push, whose position is where it begins")
    func recovers() throws {
        var session = session()
        let since = StreamPosition(offset: 39, epoch: "k3vxq7ab")
        #expect(
            try subscribe(&session, "kept:a") { $0.since = since } == "begun subscribe kept:a since(\(since)) all 0")
        let channel = try ChannelName("kept:a")
        let missed = [40, 41].map { offset in
            Publication(
                channel: channel, payload: Payload(text: "\(offset)"),
                position: StreamPosition(offset: offset, epoch: "k3vxq7ab"))
        }
        let start = SubscriptionStart(position: position, publications: missed)
        #expect(words(session.subscribed(channel, id: 0, start)).hasSuffix(#""offset":39,"recoverable":true}}} and 2"#))
        #expect(try subscribe(&session, "newest:a") == "begun subscribe newest:a last(1) all 0")
    }

    @Test("one that can't be had leaves nothing, and the client hears nothing of it")
    func fails() throws {
        var session = session(maxChannels: 1)
        _ = try subscribe(&session, "news")
        #expect(words(session.subscribeFailed(try ChannelName("news"), id: 0, .unavailable)) == "nothing")
        #expect(try subscribe(&session, "other") == "begun subscribe other none all 0")
    }

    @Test("a subscription ends with 2000, whoever wanted it; one that is not in force is answered first")
    func unsubscribes() throws {
        var session = session()
        let channel = try ChannelName("news")
        #expect(words(session.unsubscribe(channel, isSubscribed: false)) == "unchanged")
        let push = #"{"push":{"channel":"news","unsubscribe":{"code":2000,"reason":"server unsubscribe"}}}"#
        func ask(_ id: UInt32) {
            _ = session.perform(.centrifuge(.init(id: id, method: .subscribe(channel: "news"))))
        }
        ask(2)
        #expect(
            words(session.unsubscribe(channel, isSubscribed: true))
                == #"done unsubscribe news {"id":2,"subscribe":{}}"# + push)
        ask(3)
        _ = session.subscribed(channel, id: 3, SubscriptionStart())
        #expect(words(session.unsubscribe(channel, isSubscribed: true)) == "done unsubscribe news " + push)
        // Nobody was told of this one, so nobody is told that it is over.
        _ = try subscribe(&session, "news")
        #expect(words(session.unsubscribe(channel, isSubscribed: true)) == "done unsubscribe news ")
        #expect(try subscribe(&session, "news").hasPrefix("begun"))
    }

    @Test("a backend that wants what the client has asked for waits for the answer to the client")
    func others() throws {
        var session = session()
        _ = session.perform(.centrifuge(.init(id: 2, method: .subscribe(channel: "news"))))
        #expect(try subscribe(&session, "news") == "awaited")
        _ = session.subscribed(try ChannelName("news"), id: 2, SubscriptionStart())
        #expect(try subscribe(&session, "news") == "unchanged")
    }

    @Test("a client that asks for what the backend wants already hears that it has it; its own unsubscribe ends it")
    func own() throws {
        var session = session()
        _ = try subscribe(&session, "news")
        let again = session.perform(.centrifuge(.init(id: 2, method: .subscribe(channel: "news"))))
        guard case .refuse(let body) = again else {
            Issue.record("\(again)")
            return
        }
        #expect(body.text.contains(#""code":105"#))
        let end = session.perform(.centrifuge(.init(id: 3, method: .unsubscribe(channel: "news"))))
        #expect(words(end) == #"unsubscribe news {"id":3,"unsubscribe":{}}"#)
    }

    @Test("a refresh changes when the client expires and what others see, and is told; the user and its rights stay")
    func refreshes() throws {
        var session = session()
        let news = try ChannelName("news")
        let refreshed = session.refresh(expiresAt: 1_060, info: ByteBuffer(string: #"{"a":1}"#), now: now)
        #expect(words(refreshed) == #"done {"push":{"refresh":{"expires":true,"ttl":60}}}"#)
        #expect(session.secondsLeft(now, grace: 5) == 65)
        #expect(
            session.info(in: news)?.json
                == ByteBuffer(string: #"{"user":"","client":"c","conn_info":{"a":1}}"#))
        let never = session.refresh(expiresAt: nil, info: nil, now: now)
        #expect(words(never) == #"done {"push":{"refresh":{}}}"#)
        #expect(session.secondsLeft(now, grace: 5) == nil && session.info(in: news)?.connInfo != nil)
        let published = session.perform(
            .centrifuge(.init(id: 2, method: .publish(channel: "news", data: ByteBuffer(string: "1")))))
        guard case .publish = published else {
            Issue.record("\(published)")
            return
        }
    }

    @Test(
        "a subscription with an end of its own expires like one with a token; a new token of the connection leaves it")
    func expires() throws {
        var session = session()
        _ = try subscribe(&session, "news") { $0.expiresAt = 1_010 }
        _ = session.subscribed(try ChannelName("news"), id: 0, SubscriptionStart())
        var claims = ConnectClaims()
        claims.listsSubscriptions = true
        guard case .centrifuge(var inner) = session else { return }
        let actions = inner.refresh(.init(id: 9, method: .refresh(token: "t")), claims, now: now)
        #expect(actions.count == 1, "\(actions)")
        session = .centrifuge(inner)
        #expect(session.expire(TokenTime(wall: 1_009, monotonic: 9), grace: 0).isEmpty)
        let ended = session.expire(TokenTime(wall: 1_010, monotonic: 10), grace: 0).map(words)
        #expect(
            ended == [
                #"unsubscribe news {"push":{"channel":"news","unsubscribe":{"code":2501,"reason":"subscription expired"}}}"#
            ])
    }

    @Test("clients that only hear get the same without the envelope, and those in Protobuf in theirs")
    func forms() throws {
        var listener = session(link: .unidirectional)
        _ = try subscribe(&listener, "news")
        let channel = try ChannelName("news")
        #expect(
            words(listener.subscribed(channel, id: 0, SubscriptionStart()))
                == #"{"channel":"news","subscribe":{}} and 0"#)
        #expect(words(listener.refresh(expiresAt: nil, info: nil, now: now)) == #"done {"refresh":{}}"#)
        #expect(
            words(listener.unsubscribe(channel, isSubscribed: true))
                == #"done unsubscribe news {"channel":"news","unsubscribe":{"code":2000,"reason":"server unsubscribe"}}"#
        )
        var binary = session(.protobuf)
        guard case .done(.send(let refresh)) = binary.refresh(expiresAt: 1_003, info: nil, now: now) else {
            Issue.record("no push")
            return
        }
        #expect(refresh.kind == .binary)
        #expect(Array(refresh.bytes.readableBytesView) == [8, 0x22, 6, 0x62, 4, 8, 1, 16, 3])
        let farewell = try #require(binary.farewell(.forced, reason: "x")).bytes
        #expect(Array(farewell.readableBytesView) == [10, 0x22, 8, 0x5A, 6, 8, 0xAF, 0x1B, 0x12, 1, 120])
    }

    @Test("a raw client is its subscription: it can have no other, and ends with it; its token's end can be changed")
    func raw() throws {
        let channel = try ChannelName("a")
        var session = Session.raw(
            RawSession(
                channel: channel, rules: ChannelRules(), mayPublish: false, grants: Grants(anonymous: .subscribe)))
        #expect(try subscribe(&session, "b") == "unsupported")
        #expect(words(session.unsubscribe(channel, isSubscribed: false)) == "unchanged")
        guard case .done(.disconnect(.forced, _)) = session.unsubscribe(channel, isSubscribed: true) else {
            Issue.record("it goes on")
            return
        }
        #expect(words(session.refresh(expiresAt: 1_010, info: nil, now: now)) == "done nothing")
        #expect(session.secondsLeft(now, grace: 5) == 10)
    }
}
