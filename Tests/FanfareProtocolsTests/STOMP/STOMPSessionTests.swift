import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore
@testable import FanfareProtocols

@Suite("STOMP session")
struct STOMPSessionTests {
    private static let receipt = PublishReceipt()

    @Test("CONNECT is answered with the newest common version, the session and heart-beats (CONNECT or STOMP Frame)")
    func connect() {
        var client = STOMPDriver()
        #expect(!client.session.isConnected)
        #expect(
            client.send("CONNECT\naccept-version:1.0,1.1,1.2\nhost:a\nheart-beat:10000,10000\n\n^")
                == ["CONNECTED\nversion:1.2\nsession:c\nserver:fanfare\nheart-beat:25250,25250\n\n^"])
        #expect(client.session.isConnected && client.session.wantsHeartBeats)
        var old = STOMPDriver()
        #expect(old.send("CONNECT\n\n^") == ["CONNECTED\nversion:1.0\nsession:c\nserver:fanfare\n\n^"])
        #expect(!old.session.wantsHeartBeats)
        var other = STOMPDriver()
        #expect(other.send("STOMP\naccept-version:1.1\nheart-beat:5000,0\n\n^").count == 1)
        #expect(other.session.version == .v11 && !other.session.wantsHeartBeats)
    }

    @Test("accept-version decides the version, whatever the subprotocol says (Protocol Negotiation)")
    func subprotocol() {
        for subprotocol in STOMPVersion.allCases {
            for version in STOMPVersion.allCases {
                var client = STOMPDriver(subprotocol: subprotocol)
                let answer = client.send("CONNECT\naccept-version:\(version.rawValue)\n\n^").first
                #expect(answer?.contains("version:\(version.rawValue)\n") == true)
                #expect(client.session.version == version)
            }
        }
    }

    @Test(
        "what can't be a CONNECT gets an ERROR that says why, and the connection ends (ERROR)",
        arguments: [
            ("CONNECT\naccept-version:2.0\n\n^", "version:1.0,1.1,1.2\n"),
            ("SEND\ndestination:a\n\n^", "SEND before CONNECT"),
            ("CONNECT\nheart-beat:1\n\n^", "heart-beat"), ("CONNECT\nheart-beat:-1,0\n\n^", "heart-beat"),
            ("CONNECT\nheart-beat:1,2,3\n\n^", "heart-beat"), ("HELLO\n\n^", "unknown command 'HELLO'"),
            ("CONNECT\n\n^CONNECT\n\n^", "CONNECT came twice"), ("CONNECT\n\nx", "no body"),
            // At its first line: its body would be kept for nothing.
            ("SEND\n", "SEND before CONNECT"), ("COMMIT\ntransaction:1\n\n^", "COMMIT before CONNECT"),
        ])
    func refusedConnect(_ text: String, _ message: String) {
        var client = STOMPDriver()
        let last = client.send(text).last
        #expect(last?.hasPrefix("ERROR\nmessage:") == true && last?.contains(message) == true, "\(last ?? "nothing")")
        #expect(client.end == .badRequest)
        // Nothing after it counts.
        #expect(client.send("CONNECT\n\n^").isEmpty && client.session.farewells(.notAvailable).isEmpty)
    }

    @Test("a token is the passcode, a bearer's Authorization or that of the request, in this order")
    func tokens() {
        var claims = ConnectClaims()
        claims.user = "u"
        for text in [
            "CONNECT\nlogin:x\npasscode:t\nAuthorization:Bearer no\n\n^", "CONNECT\nAuthorization:Bearer t\n\n^",
            "CONNECT\nauthorization:bearer t\n\n^", "CONNECT\n\n^", "CONNECT\npasscode:\n\n^",
        ] {
            var client = STOMPDriver(permissions: .none, requestToken: "t")
            client.tokens["t"] = claims
            #expect(client.send(text).first?.hasPrefix("CONNECTED\n") == true, "\(text)")
            #expect(client.session.grants?.user == "u")
        }
        var wrong = STOMPDriver(requestToken: "t")
        #expect(wrong.send("CONNECT\naccept-version:1.2\npasscode:no\n\n^") == ["ERROR\nmessage:invalid token\n\n^"])
        #expect(wrong.end == .invalidToken)
        var nobody = STOMPDriver(permissions: .none)
        #expect(nobody.send("CONNECT\n\n^").first?.contains("unauthorized") == true)
    }

    @Test("several subscriptions to a channel each have their id, and one destination each (SUBSCRIBE)")
    func subscriptions() throws {
        var client = STOMPDriver.connected()
        #expect(client.send("SUBSCRIBE\nid:a\ndestination:/topic/news\n\n^").isEmpty)
        #expect(
            client.send("SUBSCRIBE\nid:b\\c1\ndestination:news\nack:auto\nreceipt:r\n\n^")
                == ["RECEIPT\nreceipt-id:r\n\n^"])
        #expect(client.joined == ["news#1", "news#2"])
        #expect(
            try client.publish("news", "hi") == [
                "MESSAGE\nsubscription:a\ncontent-length:2\ndestination:/topic/news\n\nhi^",
                "MESSAGE\nsubscription:b\\c1\ncontent-length:2\ndestination:news\n\nhi^",
            ])
        #expect(client.send("UNSUBSCRIBE\nid:a\nreceipt:u\n\n^") == ["RECEIPT\nreceipt-id:u\n\n^"])
        #expect(client.joined == ["news#2"] && client.end == nil)
    }

    @Test("a client of 1.0 may name a subscription by its destination, and has no escapes (STOMP 1.0)")
    func old() throws {
        var client = STOMPDriver.connected(.v10)
        #expect(client.send("SUBSCRIBE\ndestination:/topic/a:b\n\n^SUBSCRIBE\nid:x:1\ndestination:a:b\n\n^").isEmpty)
        let heard = try client.publish("a:b", "1")
        #expect(heard.first?.hasPrefix("MESSAGE\ncontent-length:1\ndestination:/topic/a:b\n") == true, "\(heard)")
        #expect(heard.last?.hasPrefix("MESSAGE\nsubscription:x:1\n") == true)
        #expect(client.send("UNSUBSCRIBE\ndestination:/topic/a:b\n\n^").isEmpty && client.joined == ["a:b#2"])
    }

    @Test(
        "what can't be done is refused by name, with the receipt, and ends the connection",
        arguments: [
            ("SUBSCRIBE\nid:1\n\n^", "SUBSCRIBE without destination"),
            ("SUBSCRIBE\ndestination:a\n\n^", "SUBSCRIBE without id"),
            ("SUBSCRIBE\nid:1\ndestination:a\nselector:x = 1\n\n^", "selector is not supported"),
            ("SUBSCRIBE\nid:1\ndestination:a\nack:client\nprefetch-count:x\n\n^", "prefetch-count is no number"),
            ("SUBSCRIBE\nid:1\ndestination:a\nack:never\n\n^", "ack is auto"),
            ("SUBSCRIBE\nid:1\ndestination:/queue/a\n\n^", "a destination is /topic/<channel>, /user/queue/<name>"),
            ("SUBSCRIBE\nid:1\ndestination:no\\c1\n\n^", "unknown namespace"),
            ("SUBSCRIBE\nid:1\ndestination:a\nsince:7\n\n^", "since is"),
            ("SUBSCRIBE\nid:1\ndestination:a\nsince:7.k3vx\n\n^", "since: the channel keeps nothing"),
            (
                "SUBSCRIBE\nid:1\ndestination:a\n\n^SUBSCRIBE\nid:1\ndestination:b\n\n^",
                "there is a subscription of that id"
            ),
            ("UNSUBSCRIBE\nid:1\n\n^", "there is no subscription of that id"),
            ("UNSUBSCRIBE\n\n^", "UNSUBSCRIBE without id"),
            ("ACK\n\n^", "ACK without id"), ("ACK\nid:1\n\n^", "ACK: no message of that id waits for it"),
            ("NACK\nid:7-1\n\n^", "NACK: no message of that id waits for it"),
            (
                "SUBSCRIBE\nid:1\ndestination:a\nack:client\n\n^ACK\nid:1-1\n\n^",
                "ACK: no message of that id waits for it"
            ), ("SUBSCRIBE\nid:1\ndestination:/user/queue/a\n\n^", "/user/queue/… is for clients with a user"),
            ("SEND\n\nx^", "SEND without destination"), ("BEGIN\n\n^", "BEGIN without transaction"),
            ("SEND\ndestination:a\ntransaction:1\n\n^", "there is no transaction '1'"),
            ("COMMIT\ntransaction:1\n\n^", "there is no transaction '1'"),
            ("ABORT\ntransaction:1\n\n^", "there is no transaction '1'"),
            (
                "BEGIN\ntransaction:1\n\n^BEGIN\ntransaction:1\n\n^", "BEGIN: the transaction '1' is open already"
            ),
            ("SEND\ndestination:a\nx:\\t\n\n^", "a header holds an escape"),
        ])
    func refusals(_ text: String, _ message: String) {
        var client = STOMPDriver.connected(.v12, ChannelRules(), ["chat": ChannelRules()])
        let heard = client.send(text).last ?? ""
        #expect(heard.hasPrefix("ERROR\nmessage:\(message.replacing(":", with: "\\c"))"), "\(heard)")
        #expect(client.end != nil && client.end != .normal)
        guard !text.contains("\\t") else { return }
        var other = STOMPDriver.connected(.v12, ChannelRules(), ["chat": ChannelRules()])
        let withReceipt = text.replacing("\n\n", with: "\nreceipt:r\\c1\n\n")
        #expect(other.send(withReceipt).last?.contains("\nreceipt-id:r\\c1\n") == true)
    }

    @Test("who may do what is decided as for every client, and subscriptions are bounded")
    func permissions() {
        var listener = STOMPDriver.connected(permissions: .subscribe)
        #expect(listener.send("SEND\ndestination:a\n\nx^").first?.contains("permission denied") == true)
        #expect(listener.end == .permissionDenied)
        var deaf = STOMPDriver.connected(
            permissions: ClientPermissions(mayConnect: true, maySubscribe: false, mayPublish: true))
        #expect(deaf.send("SUBSCRIBE\nid:1\ndestination:a\n\n^").first?.contains("permission denied") == true)
        var many = STOMPDriver.connected(channels: 1)
        #expect(many.send("SUBSCRIBE\nid:1\ndestination:a\n\n^SUBSCRIBE\nid:2\ndestination:a\n\n^").count == 1)
        #expect(many.end == .policyViolation)
    }

    @Test("a token opens the channels that it lists, and a subscription's token its channel")
    func grants() {
        func client() -> STOMPDriver {
            var client = STOMPDriver(
                permissions: .none, requestToken: "t")
            var claims = ConnectClaims()
            claims.user = "u"
            claims.capabilities = []
            claims.subscriptions = [ServerSubscription(channel: "listed")]
            client.tokens["t"] = claims
            var own = SubscriptionClaims()
            (own.user, own.channel) = ("u", "own")
            client.subscriptionTokens["s"] = own
            #expect(client.send("CONNECT\naccept-version:1.2\n\n^").count == 1)
            return client
        }
        var good = client()
        #expect(
            good.send("SUBSCRIBE\nid:1\ndestination:listed\n\n^SUBSCRIBE\nid:2\ndestination:own\ntoken:s\n\n^").isEmpty)
        #expect(good.joined == ["listed#1", "own#2"] && good.end == nil)
        for text in ["destination:own", "destination:other\ntoken:s", "destination:own\ntoken:x"] {
            var bad = client()
            #expect(bad.send("SUBSCRIBE\nid:1\n\(text)\n\n^").count == 1 && bad.end != nil, "\(text)")
        }
    }

    @Test("SEND publishes body and headers, and its receipt follows when it is published (SEND)")
    func send() throws {
        var client = STOMPDriver.connected()
        let text = "SEND\ndestination:/topic/news\ncontent-type:application/json\nk:v\nk:w\nreceipt:1\n\n{}^"
        #expect(client.send(text).isEmpty)
        let tags = try PublicationTags([
            .init(name: "content-type", value: "application/json"), .init(name: "k", value: "v"),
        ])
        #expect(client.asked == [.publish(try ChannelName("news"), Payload(text: "{}"), tags, id: 1)])
        #expect(client.answer { $0.published(id: 1, .success(Self.receipt)) } == ["RECEIPT\nreceipt-id:1\n\n^"])
        // Without a receipt nothing is said, unless it fails.
        #expect(client.send("SEND\ndestination:news\n\n^").isEmpty)
        #expect(client.answer { $0.published(id: 2, .success(Self.receipt)) }.isEmpty)
        #expect(client.send("SEND\ndestination:news\n\n^").isEmpty)
        let failed = client.answer { $0.published(id: 3, .failure(.unavailable)) }
        #expect(failed.first?.hasPrefix("ERROR\nmessage:SEND ") == true && client.end == .tryAgainLater)
    }

    @Test("headers travel as tags, but for those of the frame, secrets, and what a MESSAGE has from the node (SEND)")
    func headers() throws {
        var client = STOMPDriver.connected()
        let names = [
            "id", "version", "message", "session", "server", "heart-beat", "receipt-id", "reply-to", "priority",
        ]
        let own = [
            "subscription", "message-id", "ack", "offset", "epoch", "passcode", "login", "token", "Authorization",
        ]
        let lines = (names + own).map { "\($0):v\n" }.joined()
        #expect(client.send("SEND\ndestination:a\n\(lines)\n^").isEmpty)
        guard case .publish(_, _, let tags, _) = client.asked.last else { return #expect(client.asked.count == 1) }
        #expect(tags.all.map(\.name.string) == names)
        // They come back as they were.
        let heard = try client.publish("b", "x", tags: tags.all)
        #expect(heard.isEmpty)
        #expect(client.send("SUBSCRIBE\nid:s\ndestination:b\n\n^").isEmpty)
        let message = try client.publish("b", "x", tags: tags.all).first ?? ""
        for name in names { #expect(message.contains("\n\(name):v\n"), "\(message)") }
    }

    @Test("no header but the type travels where the channel takes none, as in one whose subscribers filter by tags")
    func foreignTags() {
        var (filtered, allowed, off) = (ChannelRules(), ChannelRules(), ChannelRules())
        filtered.tagsFilter = true
        (allowed.tagsFilter, allowed.clientTags) = (true, true)
        off.clientTags = false
        for (rules, count) in [(filtered, 1), (allowed, 2), (off, 1), (ChannelRules(), 2)] {
            var client = STOMPDriver.connected(.v12, rules)
            #expect(client.send("SEND\ndestination:a\nby:backend\ncontent-type:text/plain\n\nx^").isEmpty)
            guard case .publish(_, _, let tags, _) = client.asked.last else { return #expect(client.asked.count == 1) }
            #expect(tags.count == count && tags["content-type"] == "text/plain")
        }
    }

    @Test("headers count against the size of a message, the node's and the channel's")
    func headerBytes() {
        var rules = ChannelRules()
        rules.maxMessageBytes = 100
        let header = "k:\(String(repeating: "v", count: 91))\n"
        var client = STOMPDriver.connected(.v12, rules)
        #expect(client.send("SEND\ndestination:a\n\(header)\n12345678^").isEmpty && client.asked.count == 1)
        #expect(client.send("SEND\ndestination:a\n\(header)\n123456789^").first?.contains("limit of 100 bytes") == true)
        #expect(client.end == .messageTooBig)
        var other = STOMPDriver.connected()
        let body = String(repeating: "b", count: 1_000)
        #expect(other.send("SEND\ndestination:a\n\n\(body)^").isEmpty)
        #expect(other.send("SEND\ndestination:a\nk:\n\n\(body)^").first?.contains("limit of 1000 bytes") == true)
    }

    @Test("who publishes faster than the broker takes waits, and is not ended")
    func manyCalls() {
        var client = STOMPDriver.connected()
        for _ in 0..<STOMPBounds.calls { #expect(client.send("SEND\ndestination:a\n\n^").isEmpty) }
        #expect(client.send("SEND\ndestination:a\n\nlast^").isEmpty && client.end == nil)
        #expect(client.asked.count == STOMPBounds.calls && client.session.hasCommands)
        #expect(client.answer { $0.published(id: 1, .success(Self.receipt)) }.isEmpty)
        client.goOn()
        #expect(client.asked.count == STOMPBounds.calls + 1 && !client.session.hasCommands)
    }

    @Test(
        "a body is text where its type says so, or nothing, and it is UTF-8",
        arguments: [
            (nil, "a", .text), ("text/plain;charset=utf-8", "a", .text), ("application/json", "{}", .text),
            ("Application/Problem+JSON", "{}", .text), ("application/octet-stream", "a", .binary),
            ("image/png", "a", .binary),
        ] as [(String?, String, Payload.Kind)])
    func kinds(_ type: String?, _ body: String, _ kind: Payload.Kind) {
        var frame = STOMPFrame(.send, body: ByteBuffer(string: body))
        if let type { frame.headers.append(.init("content-type", ExactText(type))) }
        #expect(frame.payload.kind == kind)
        frame.body = ByteBuffer(bytes: [0xFF])
        #expect(frame.payload.kind == .binary)
    }

    @Test("DISCONNECT waits for the receipts of subscriptions, too (DISCONNECT)")
    func disconnectBehindSubscribe() {
        var client = STOMPDriver.connected()
        client.holdsJoins = true
        let text = "SUBSCRIBE\nid:1\ndestination:a\nreceipt:s\n\n^DISCONNECT\nreceipt:d\n\n^"
        #expect(client.send(text).isEmpty && client.end == nil)
        #expect(client.settle() == ["RECEIPT\nreceipt-id:s\n\n^", "RECEIPT\nreceipt-id:d\n\n^"])
        #expect(client.end == .normal)
    }

    @Test("DISCONNECT waits for what was published, then comes its receipt and the end (DISCONNECT)")
    func disconnect() {
        var client = STOMPDriver.connected()
        #expect(client.send("SEND\ndestination:a\n\nx^DISCONNECT\nreceipt:77\n\n^SEND\ndestination:a\n\ny^").isEmpty)
        #expect(client.asked.count == 1 && client.end == nil)
        #expect(client.answer { $0.published(id: 1, .success(Self.receipt)) } == ["RECEIPT\nreceipt-id:77\n\n^"])
        #expect(client.end == .normal)
        var silent = STOMPDriver.connected()
        #expect(silent.send("DISCONNECT\n\n^").isEmpty && silent.end == .normal)
    }

    @Test("a client that comes back with since gets what it missed, or is told that it is lost")
    func recovery() throws {
        var rules = ChannelRules()
        (rules.history, rules.recovery) = (.init(size: 10, age: .seconds(60)), .stream)
        var client = STOMPDriver.connected(.v12, rules)
        try client.stream("a", ["x", "y", "z"])
        let heard = client.send("SUBSCRIBE\nid:1\ndestination:a\nsince:1.k3vx\nreceipt:r\n\n^")
        #expect(heard.first == "RECEIPT\nreceipt-id:r\noffset:1\nepoch:k3vx\n\n^")
        #expect(heard.dropFirst().map { String($0.suffix(2)) } == ["y^", "z^"])
        #expect(heard.last?.contains("\noffset:3\nepoch:k3vx\n") == true)
        // One that is new is told where it begins.
        #expect(
            client.send("SUBSCRIBE\nid:2\ndestination:a\nreceipt:s\n\n^")
                == ["RECEIPT\nreceipt-id:s\noffset:3\nepoch:k3vx\n\n^"])
        let lost = client.send("SUBSCRIBE\nid:3\ndestination:a\nsince:1.other\n\n^")
        #expect(lost.first?.hasPrefix("ERROR\nmessage:since\\c what followed is lost") == true)
        #expect(client.end == .insufficientState)
    }

    @Test("frames of one message are bounded in number, and a frame may be cut by messages")
    func frames() {
        var client = STOMPDriver(frames: 2)
        #expect(client.send("CONNECT\naccept-ver").isEmpty && client.session.reader.isWithinFrame)
        #expect(client.send("sion:1.2\n\n^\n\n").count == 1 && !client.session.hasCommands)
        let subscribe = "SUBSCRIBE\nid:1\ndestination:a\n\n^UNSUBSCRIBE\nid:1\n\n^"
        #expect(client.send(subscribe).isEmpty && client.send(subscribe).isEmpty)
        #expect(client.send(subscribe + subscribe).last?.contains("more than 2 frames") == true)
        #expect(client.end == .policyViolation)
    }

    @Test("a client that the node ends for good hears an ERROR, one that comes back none")
    func farewells() {
        let client = STOMPDriver.connected()
        #expect(
            client.session.farewells(.forced).map { String(buffer: $0.bytes) } == [
                "ERROR\nmessage:force disconnect\n\n\0"
            ])
        #expect(client.session.farewells(.serviceRestart).isEmpty && client.session.farewells(.normal).isEmpty)
    }

    @Test("a backend ends all that the client has of a channel, and changes when it expires")
    func commands() throws {
        var client = STOMPDriver.connected()
        _ = client.send("SUBSCRIBE\nid:1\ndestination:a\n\n^SUBSCRIBE\nid:2\ndestination:/topic/a\n\n^")
        let channel = try ChannelName("a")
        guard case .done(let action) = client.session.unsubscribe(channel) else {
            Issue.record("nothing was done")
            return
        }
        #expect(action == .all([.leave(channel, request: 1), .leave(channel, request: 2)]))
        guard case .unchanged = client.session.unsubscribe(channel) else {
            Issue.record("something was done")
            return
        }
        _ = client.session.refresh(expiresAt: 1_010, info: nil, now: STOMPDriver.now)
        #expect(client.session.expire(STOMPDriver.now, isBehind: false).isEmpty)
        let later = TokenTime(wall: 1_011, monotonic: 1_011)
        #expect(client.session.expire(later, isBehind: false) == [.disconnect(.expired)])
    }
}
