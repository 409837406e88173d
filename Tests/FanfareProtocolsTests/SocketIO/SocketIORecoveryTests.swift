import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore
@testable import FanfareProtocols

@Suite("Socket.IO connection state recovery")
struct SocketIORecoveryTests {
    private func driver(_ pid: String? = nil) -> SocketIODriver {
        var rules = ChannelRules()
        (rules.history, rules.recovery) = (.init(size: 100, age: .seconds(60)), .stream)
        var client = SocketIODriver(rules, ["live": ChannelRules()], permissions: .publish)
        client.stream("a", ["1", "2"])
        client.stream("b", ["10"])
        client.token("good", channels: ["a", "b"])
        return client
    }

    private func pid(_ packet: String?) throws -> String {
        String(try #require(packet?.firstMatch(of: /"pid":"([^"]+)"/)).1)
    }

    private func back(_ pid: String, _ offset: String, token: String? = "good") -> String {
        "0{\"pid\":\"\(pid)\",\"offset\":\"\(offset)\"" + (token.map { ",\"token\":\"\($0)\"}" } ?? "}")
    }

    @Test("a client is told where it is, from its handshake on and with each event")
    func offsets() throws {
        var client = driver()
        let heard = client.send("0{\"token\":\"good\"}")
        #expect(try heard.count == 2 && pid(heard.first).utf8.count == 32)
        #expect(heard.last == "2[\"fanfare:offset\",\"2.k3vx/a,1/b\"]")
        #expect(client.publish("a", "3", .init(offset: 3, epoch: "k3vx")) == ["2[\"message\",3,\"3.k3vx/a,1/b\"]"])
        #expect(
            client.publish("b", "\"x\"", .init(offset: 2, epoch: "k3vx")) == ["2[\"message\",\"x\",\"3.k3vx/a,2/b\"]"])
    }

    @Test("it comes back as who it was, with what it missed in each channel, each event with its own offset")
    func recovers() throws {
        var client = driver()
        let pid = "abcdefghijklmnopqrstuvwxyz012345"
        client.stream("a", ["1", "2", "3", "4"])
        let heard = client.send(back(pid, "2.k3vx/a,0/b"))
        #expect(
            heard == [
                "0{\"sid\":\"sid of abcd\",\"pid\":\"\(pid)\"}", "2[\"message\",3,\"3.k3vx/a,0/b\"]",
                "2[\"message\",4,\"4.k3vx/a,0/b\"]", "2[\"message\",10,\"4.k3vx/a,1/b\"]",
                "2[\"fanfare:offset\",\"4.k3vx/a,1/b\"]",
            ])
    }

    @Test("what it missed comes in turns, and what is published meanwhile behind all of it")
    func turns() throws {
        var client = driver()
        let pid = "abcdefghijklmnopqrstuvwxyz012345"
        client.stream("a", (1...200).map { "\($0)" })
        client.meanwhile["a"] = ("201", 201)
        let heard = client.send(back(pid, "0.k3vx/a,0/b"))
        let expected =
            (1...200).map { "2[\"message\",\($0),\"\($0).k3vx/a,0/b\"]" }
            + [
                "2[\"message\",10,\"200.k3vx/a,1/b\"]", "2[\"fanfare:offset\",\"200.k3vx/a,1/b\"]",
                "2[\"message\",201,\"201.k3vx/a,1/b\"]",
            ]
        #expect(Array(heard.dropFirst()) == expected)
        #expect(client.turns == [64, 64, 10])
    }

    @Test("where something is missing, nothing is recovered: it is somebody else, in the channels of its token")
    func lost() throws {
        var client = driver()
        let old = "abcdefghijklmnopqrstuvwxyz012345"
        client.stream("a", ["1"], epoch: "new")
        let heard = client.send(back(old, "2.k3vx/a,0/b,/lobby"))
        #expect(try heard.count == 2 && pid(heard.first) != old)
        #expect(heard.last == "2[\"fanfare:offset\",\"1.new/a,1.k3vx/b\"]")
        #expect(client.joined == ["a#1", "b#2"])
    }

    @Test("nothing comes of channels that are lost with another one, not even what came meanwhile")
    func lostMeanwhile() throws {
        var client = driver()
        let old = "abcdefghijklmnopqrstuvwxyz012345"
        client.stream("b", ["1"], epoch: "new")
        client.meanwhile = ["a": ("9", 3), "b": ("8", 2), "live:1": ("7", 1)]
        let heard = client.send(back(old, "1.k3vx/a,0/b,/live:1", token: nil))
        #expect(try heard.count == 2 && pid(heard.first) != old, "\(heard)")
        #expect(heard.last == "2[\"fanfare:offset\",\"\"]" && client.joined.isEmpty)
        // The same channels, and nothing is missing.
        var other = driver()
        other.meanwhile = ["a": ("9", 3), "live:1": ("7", 1)]
        #expect(
            other.send(back(old, "2.k3vx/a,/live:1", token: nil)).dropFirst() == [
                "2[\"fanfare:offset\",\"2.k3vx/a,/live:1\"]", "2[\"message\",9,\"3.k3vx/a,/live:1\"]",
                "2[\"message\",7]",
            ])
    }

    @Test("what nodes share of an event never leaves as it is: who has no such subscription hears nothing")
    func shared() throws {
        let publication = Publication(
            channel: try ChannelName("a"), payload: Payload(text: "1"), position: .init(offset: 1, epoch: "k3vx"))
        let frame = SplitFrame(
            head: ByteBuffer(bytes: [0, 0, 0, 9]), body: SocketIOPositionedCodec().body(publication).bytes)
        var client = driver()
        _ = client.send("0")
        var session = Session.socketIO(Boxed(client.session))
        guard case .nothing = session.personal(frame) else {
            Issue.record("it leaves")
            return
        }
        var other = Session.echo
        guard case .unchanged = other.personal(frame) else {
            Issue.record("another protocol's frames are changed")
            return
        }
    }

    @Test("what a client missed is charged with the offsets that come with it, before it is written")
    func charged() throws {
        var client = driver()
        let names = (0..<3).map { "a-channel-with-a-long-name-of-48-bytes-or-so-\($0)" }
        for name in names { client.stream(name, (0..<200).map { "\($0)" }) }
        let offset = names.map { "0.k3vx/\($0)" }.joined(separator: ",")
        let heard = client.send(back("abcdefghijklmnopqrstuvwxyz012345", offset, token: nil))
        #expect(heard.count == 602)
        let bytes = heard.reduce(0) { $0 + $1.utf8.count }
        #expect((bytes - 400...2 * bytes).contains(client.charged), "\(client.charged) for \(bytes) bytes")
    }

    @Test(
        "what cannot be believed is a first handshake",
        arguments: [
            ("abcdefghijklmnopqrstuvwxyz012345", "-"), ("abcdefghijklmnopqrstuvwxyz012345", "hello"),
            ("short", "2.k3vx/a"),
            ("abcdefghijklmnopqrstuvwxyz012345", "2.k3vx/a,1.k3vx/no:x"),
            ("abcdefghijklmnopqrstuvwxyz0123\\\\", "2.k3vx/a"),
            ("abcdefghijklmnopqrstuvwxyz012345", "2.k3vx/a,1/$private"),
        ])
    func unbelievable(_ old: String, _ offset: String) throws {
        var client = driver()
        let heard = client.send(back(old, offset))
        #expect(try heard.count == 2 && pid(heard.first) != old)
        #expect(client.joined == ["a#1", "b#2"])
    }

    @Test("channels that a client asked for come back with it, and are let in anew")
    func byClient() throws {
        var client = driver()
        _ = client.send("0")
        // Where it is comes before the answer: who is cut off in between has both.
        #expect(
            client.send("20[\"subscribe\",\"a\"]") == [
                "2[\"fanfare:offset\",\"2.k3vx/a\"]", "30[{\"room\":\"a\",\"position\":\"2.k3vx\"}]",
            ])
        #expect(client.send("21[\"subscribe\",\"live:1\"]").first == "2[\"fanfare:offset\",\"2.k3vx/a,/live:1\"]")
        #expect(client.send("22[\"unsubscribe\",\"a\"]") == ["2[\"fanfare:offset\",\"/live:1\"]", "32[{}]"])
        var again = driver()
        let heard = again.send(back("abcdefghijklmnopqrstuvwxyz012345", "1.k3vx/a,/live:1", token: nil))
        #expect(
            heard.dropFirst() == [
                "2[\"message\",2,\"2.k3vx/a,/live:1\"]", "2[\"fanfare:offset\",\"2.k3vx/a,/live:1\"]",
            ])
        #expect(again.joined == ["a#1", "live:1#2"])
    }

    @Test("who has left a namespace comes back to it as somebody else")
    func left() throws {
        var client = driver()
        let old = "abcdefghijklmnopqrstuvwxyz012345"
        #expect(client.send(back(old, "1.k3vx/a")).first?.contains(old) == true)
        #expect(client.send("1").isEmpty && client.joined.isEmpty)
        let heard = client.send(back(old, "1.k3vx/a"))
        #expect(heard.count == 2 && heard.first?.contains(old) == false)
    }

    @Test("a namespace takes nothing back that is not in it, whatever the token says")
    func foreign() throws {
        var rules = ChannelRules()
        (rules.history, rules.recovery) = (.init(size: 100, age: .seconds(60)), .stream)
        var client = SocketIODriver(rules, ["chat": rules], permissions: .publish)
        client.token("good", channels: ["news"])
        let old = "abcdefghijklmnopqrstuvwxyz012345"
        let heard = client.send("0/chat,{\"token\":\"good\",\"pid\":\"\(old)\",\"offset\":\"1.k3vx/news\"}")
        #expect(client.joined.isEmpty && heard.first?.contains(old) == false)
    }

    @Test("who asks with a place gets what it missed behind the answer")
    func since() {
        var client = driver()
        _ = client.send("0")
        #expect(
            client.send("20[\"subscribe\",{\"room\":\"a\",\"since\":\"1.k3vx\"}]") == [
                "2[\"fanfare:offset\",\"1.k3vx/a\"]",
                "30[{\"room\":\"a\",\"position\":\"2.k3vx\",\"recovered\":true}]", "2[\"message\",2,\"2.k3vx/a\"]",
            ])
        #expect(
            client.send("21[\"subscribe\",{\"room\":\"b\",\"since\":\"1.old\"}]") == [
                "2[\"fanfare:offset\",\"2.k3vx/a,1/b\"]",
                "31[{\"room\":\"b\",\"position\":\"1.k3vx\",\"recovered\":false}]",
            ])
    }

    @Test("a namespace whose channels are not recovered has no private id")
    func namespaces() {
        var client = driver()
        #expect(client.send("0/live,").first?.contains("pid") == false)
        #expect(client.send("2/live,0[\"subscribe\",\"1\"]") == ["3/live,0[{\"room\":\"1\"}]"])
    }
}
