import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore
@testable import FanfareProtocols

@Suite("Socket.IO session")
struct SocketIOSessionTests {
    private static let room = "{\"room\":\"news\"}"

    @Test("nothing is implicit: the client joins a namespace, once, and is told its id there")
    func connect() {
        var client = SocketIODriver()
        let heard = client.send("0")
        #expect(heard.count == 1 && heard.first?.hasPrefix("0{\"sid\":\"sid of ") == true)
        // No key beside it where nothing is recovered.
        #expect(heard.first?.contains("pid") == false)
        #expect(client.send("0").isEmpty && client.end == .badRequest)
    }

    @Test(
        "what comes before a handshake, or to a namespace that is not joined, ends the connection",
        arguments: [
            "2[\"a\"]", "2/chat,[\"a\"]", "1", "30[]", "4{}", "7", "2[\"connect\"]",
        ])
    func early(_ text: String) {
        var client = SocketIODriver()
        #expect(client.send(text).isEmpty && client.end == .badRequest, "\(text)")
    }

    @Test("a namespace that is none is refused, and the connection goes on")
    func invalidNamespace() {
        var client = SocketIODriver(ChannelRules(), ["chat": ChannelRules()])
        #expect(client.send("0/random,") == ["4/random,{\"message\":\"Invalid namespace\"}"])
        #expect(client.send("0/chat?a=1") == ["4/chat?a=1,{\"message\":\"Invalid namespace\"}"])
        #expect(client.send("0/chat").first?.hasPrefix("0/chat,{\"sid\":") == true)
        // A slash and a mark that goes with it are one `Character`, and two bytes more.
        #expect(client.send("0/\u{301}chat").first?.contains("Invalid namespace") == true)
        #expect(client.send("0").count == 1 && client.end == nil)
    }

    @Test("whoever joins nothing in time is ended; a namespace that is left leaves the connection")
    func deadline() {
        var client = SocketIODriver()
        #expect(client.session.secondsLeft(SocketIODriver.now) == 45)
        let late = TokenTime(wall: 0, monotonic: 1_045)
        #expect(client.session.expire(late) == [.disconnect(.stale, reason: "no CONNECT in time")])
        _ = client.send("0")
        #expect(client.session.secondsLeft(late) == nil && client.session.expire(late).isEmpty)
        _ = client.send("20[\"subscribe\",\"news\"]")
        #expect(client.joined == ["news#1"])
        #expect(client.send("1").isEmpty && client.joined.isEmpty && client.end == nil)
        #expect(client.session.farewells(.notAvailable).isEmpty)
    }

    @Test("a room of a namespace is a channel in it, and rooms of / are channels")
    func rooms() {
        var client = SocketIODriver(ChannelRules(), ["chat": ChannelRules()])
        _ = client.send("0")
        _ = client.send("0/chat")
        #expect(client.send("20[\"subscribe\",\"news\"]") == ["30[{\"room\":\"news\"}]"])
        #expect(client.send("2/chat,1[\"subscribe\",\"1\"]") == ["3/chat,1[{\"room\":\"1\"}]"])
        // The same channel in another namespace is another subscription.
        #expect(client.send("22[\"subscribe\",{\"room\":\"chat:1\"}]") == ["32[{\"room\":\"chat:1\"}]"])
        #expect(client.joined == ["news#1", "chat:1#2", "chat:1#3"])
        #expect(client.send("2/chat,3[\"unsubscribe\",\"1\"]") == ["3/chat,3[{}]"])
        #expect(client.joined == ["news#1", "chat:1#3"])
    }

    @Test(
        "events are answered by their ids, with an error where something is wrong",
        arguments: [
            ("20[\"subscribe\",\"news\"]", 105), ("20[\"subscribe\"]", 107), ("20[\"subscribe\",7]", 107),
            ("20[\"subscribe\",\"a b\"]", 107), ("20[\"subscribe\",\"no:1\"]", 102), ("20[\"publish\",\"news\"]", 107),
            ("20[\"history\",\"news\"]", 108), ("20[\"presence\",\"news\"]", 108), ("20[\"history\",\"news\",7]", 107),
            ("20[\"hello\",1]", 108), ("20[7]", 108), ("20[\"subscribe\",{\"room\":\"x\",\"since\":\"7\"}]", 107),
        ])
    func refusals(_ text: String, _ code: Int) {
        var client = SocketIODriver(ChannelRules(), ["chat": ChannelRules()])
        _ = client.send("0")
        _ = client.send("2[\"subscribe\",\"news\"]")
        let heard = client.send(text)
        #expect(
            heard.count == 1 && heard[0].hasPrefix("30[{\"error\":{\"code\":\(code),\"message\":"), "\(text): \(heard)")
        // Who wants no answer gets none, and it counts.
        let silent = "2" + text.dropFirst(2)
        #expect(client.send(silent) == ["dropped"] && client.end == nil, "\(silent)")
    }

    @Test("an event without a handler says which")
    func unknown() {
        var client = SocketIODriver()
        _ = client.send("0")
        #expect(
            client.send("27[\"typing\",true]") == [
                "37[{\"error\":{\"code\":108,\"message\":\"this server has no handler for the event 'typing'\"}}]"
            ])
        #expect(client.send("30[1]").isEmpty && client.end == nil)
    }

    @Test("a publication is answered when the broker has it; bytes come as an attachment")
    func publish() throws {
        var client = SocketIODriver()
        _ = client.send("0")
        _ = client.send("25[\"publish\",\"news\",{\"a\":[1]}]")
        guard case .publish(let channel, let payload, _, let id)? = client.asked.popLast() else {
            Issue.record("the broker was not asked")
            return
        }
        #expect(channel.string == "news" && payload == Payload(text: "{\"a\":[1]}"))
        #expect(client.answer { $0.published(id: id, .success(PublishReceipt())) } == ["35[{}]"])
        #expect(client.answer { $0.published(id: id, .success(PublishReceipt())) }.isEmpty)
        _ = client.send(
            "52-6[\"publish\",\"news\",{\"_placeholder\":true,\"num\":1}]", attachments: ["no", "bytes"])
        guard case .publish(_, let bytes, _, let next)? = client.asked.popLast() else {
            Issue.record("the broker was not asked")
            return
        }
        #expect(bytes == Payload(kind: .binary, bytes: ByteBuffer(string: "bytes")))
        #expect(
            client.answer { $0.published(id: next, .failure(.unavailable)) }.first?.contains("\"code\":100") == true)
        // An object's members have no order.
        _ = client.send(
            "52-6[\"publish\",\"news\", { \"num\" : 1 , \"_placeholder\" : true } ]", attachments: ["no", "other"])
        guard case .publish(_, let other, _, _)? = client.asked.popLast() else {
            Issue.record("the broker was not asked")
            return
        }
        #expect(other == Payload(kind: .binary, bytes: ByteBuffer(string: "other")))
        let nested = client.send(
            "51-7[\"publish\",\"news\",{\"a\":{\"_placeholder\":true,\"num\":0}}]", attachments: ["x"])
        #expect(nested.first?.hasPrefix("37[{\"error\":{\"code\":107") == true)
    }

    @Test("permissions are those of every protocol")
    func permissions() {
        var nobody = SocketIODriver(permissions: .none)
        #expect(nobody.send("0") == ["4{\"message\":\"unauthorized\",\"data\":{\"code\":101}}"])
        #expect(nobody.end == nil)
        var listener = SocketIODriver(permissions: .subscribe)
        _ = listener.send("0")
        #expect(listener.send("20[\"publish\",\"news\",1]").first?.contains("\"code\":103") == true)
        #expect(listener.send("20[\"subscribe\",\"$own\"]").first?.contains("\"code\":103") == true)
        #expect(listener.send("20[\"subscribe\",\"news\"]") == ["30[{\"room\":\"news\"}]"])
        for room in ["a", "b", "c"] { _ = listener.send("2[\"subscribe\",\"\(room)\"]") }
        #expect(listener.send("20[\"subscribe\",\"d\"]").first?.contains("\"code\":106") == true)
    }

    @Test("a token in the handshake, or in its request, says who the client is and what it hears")
    func tokens() {
        var client = SocketIODriver(ChannelRules(), ["chat": ChannelRules()], permissions: .none)
        client.token("good", channels: ["news", "chat:1"])
        let heard = client.send("0{\"token\":\"good\"}")
        #expect(heard.count == 1 && heard[0].hasPrefix("0{\"sid\""))
        #expect(client.joined == ["news#1", "chat:1#2"] && client.session.user == "u")
        // A namespace has those channels that are in it.
        #expect(client.send("0/chat,{\"token\":\"good\"}").count == 1)
        #expect(client.joined == ["news#1", "chat:1#2", "chat:1#4"])
        // What the token gives the client can't give back.
        #expect(client.send("20[\"unsubscribe\",\"news\"]").first?.contains("\"code\":103") == true)
        var request = SocketIODriver(permissions: .none, requestToken: "good")
        request.token("good")
        #expect(request.send("0").first?.hasPrefix("0{\"sid\"") == true)
    }

    @Test("a token that is not good is refused three times, then it ends the connection")
    func badTokens() {
        var client = SocketIODriver()
        for _ in 0..<3 {
            #expect(client.send("0{\"token\":\"x\"}") == ["4{\"message\":\"unauthorized\",\"data\":{\"code\":101}}"])
        }
        #expect(client.send("0{\"token\":\"x\"}").isEmpty && client.end == .invalidToken)
    }

    @Test("a connection is one user's, however many namespaces it has")
    func users() {
        var client = SocketIODriver(ChannelRules(), ["chat": ChannelRules()])
        client.token("one", user: "K")
        client.token("two", user: "\u{212A}")
        _ = client.send("0{\"token\":\"one\"}")
        #expect(client.send("0/chat,{\"token\":\"two\"}").first?.contains("unauthorized") == true)
        #expect(client.session.user == "K")
    }

    @Test("a client that stays away is told in each namespace, one that comes back is not")
    func farewells() {
        var client = SocketIODriver(ChannelRules(), ["chat": ChannelRules()])
        _ = client.send("0")
        _ = client.send("0/chat")
        #expect(client.session.farewells(.permissionDenied).map(\.text) == ["1", "1/chat,"])
        for disconnect in Disconnect.builtIn where disconnect.advice == .reconnect {
            #expect(client.session.farewells(disconnect).isEmpty, "\(disconnect)")
        }
    }

    @Test("a packet and its attachments together are held to the size of a message")
    func size() {
        var client = SocketIODriver()
        _ = client.send("0")
        _ = client.send(
            "51-[\"publish\",\"news\",{\"_placeholder\":true,\"num\":0}]",
            attachments: [
                String(repeating: "x", count: 990)
            ])
        #expect(client.end == .messageTooBig)
    }

    @Test("answers to reads say what there is")
    func reads() throws {
        var rules = ChannelRules()
        (rules.presence, rules.history) = (true, .init(size: 2, age: .seconds(60)))
        var client = SocketIODriver(rules)
        _ = client.send("0")
        _ = client.send("2[\"subscribe\",\"news\"]")
        _ = client.send("21[\"history\",\"news\",{\"limit\":1,\"since\":\"1.k3vx\",\"reverse\":true}]")
        guard case .history(let channel, let query, let id)? = client.asked.popLast() else {
            Issue.record("the broker was not asked")
            return
        }
        #expect(query == HistoryQuery(since: .init(offset: 1, epoch: "k3vx"), limit: 1, reverse: true))
        let page = HistoryPage(
            publications: [
                Publication(channel: channel, payload: Payload(text: "7"), position: .init(offset: 2, epoch: "k3vx"))
            ], position: .init(offset: 2, epoch: "k3vx"))
        let heard = client.answer { $0.read(id: id, since: query.since, .success(page), maxBytes: 1_000) }
        #expect(heard == ["31[{\"publications\":[{\"data\":7,\"offset\":2}],\"position\":\"2.k3vx\"}]"])
        _ = client.send("22[\"presence_stats\",\"news\"]")
        guard case .presenceStats(_, let stats)? = client.asked.popLast() else {
            Issue.record("the broker was not asked")
            return
        }
        #expect(
            client.answer { $0.presenceStats(id: stats, .success(PresenceStats(clients: 3, users: 2))) } == [
                "32[{\"clients\":3,\"users\":2}]"
            ])
        _ = client.send("23[\"presence\",\"news\"]")
        guard case .presence(_, let who)? = client.asked.popLast() else {
            Issue.record("the broker was not asked")
            return
        }
        let members = PresencePage(members: [ClientInfo(client: "c", user: "u")], total: 1)
        #expect(
            client.answer { $0.presence(id: who, .success(members), maxBytes: 1_000) } == [
                "33[{\"presence\":{\"c\":{\"user\":\"u\",\"client\":\"c\"}}}]"
            ])
    }

    @Test("a client that asks too often is told when to ask again, and comes back later with its handshake")
    func rates() {
        var client = SocketIODriver()
        _ = client.send("0")
        let publish = SocketIOCommand(namespace: "/", ack: 4, method: .publish(room: "a", data: Payload(text: "1")))
        #expect(
            client.answer { $0.refuseForNow(publish, wait: 1_500) }.first?
                .hasSuffix("\"temporary\":true,\"retry_after\":2}}]") == true)
        let connect = SocketIOCommand(namespace: "/", ack: nil, method: .connect(SocketIOConnect(nil)))
        guard case .disconnect(.tryAgainLater, _) = client.session.refuseForNow(connect, wait: 1) else {
            Issue.record("a handshake that is refused keeps the client away")
            return
        }
    }

    @Test("clients of other protocols have no room for it: a session of Socket.IO is a reference in theirs")
    func memory() {
        #expect(MemoryLayout<Boxed<SocketIOSession>>.size == MemoryLayout<Int>.size)
        #expect(MemoryLayout<Session>.size <= MemoryLayout<CentrifugeSession>.size + 1)
    }
}
