import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore
@testable import FanfareProtocols

@Suite("Socket.IO rooms of emitters and backends")
struct SocketIORoomTests {
    private static let now = SocketIODriver.now

    private func channel(_ name: String) throws -> ChannelName { try ChannelName(name) }

    /// A client in `/` where emitters are heard.
    private func client(_ rules: ChannelRules = ChannelRules(), permissions: ClientPermissions = .publish)
        -> SocketIODriver
    {
        var client = SocketIODriver(rules, permissions: permissions, channels: 8, opensRooms: true)
        _ = client.send("0")
        return client
    }

    private var kept: ChannelRules {
        var rules = ChannelRules()
        rules.history = ChannelRules.Retention(size: 10, age: .seconds(60))
        rules.recovery = .stream
        return rules
    }

    @Test("a socket is in its own room and in that of all without asking, and may do nothing there itself")
    func own() throws {
        var client = client()
        #expect(client.joined.count == 2 && client.joined[0].hasPrefix("$~") && client.joined[1] == "$socket.io#2")
        for event in [
            "publish\",\"$socket.io\",1", "subscribe\",\"$~234567890123456789z\"", "unsubscribe\",\"$socket.io\"",
        ] {
            #expect(client.send("20[\"\(event)]").first?.contains("\"code\":103") == true, "\(event)")
        }
    }

    @Test("whoever is in a room that is left out, or in one before it, does not hear a publication")
    func unless() throws {
        var client = client()
        _ = client.send("20[\"subscribe\",\"a\"]")
        _ = client.send("21[\"subscribe\",\"b\"]")
        #expect(client.publish("b", "1", unless: ["c"]) == ["2[\"message\",1]"])
        #expect(client.publish("b", "2", unless: ["c", "a"]).isEmpty)
        #expect(client.publish("a", "2", unless: ["c"]) == ["2[\"message\",2]"])
        _ = client.send("22[\"unsubscribe\",\"a\"]")
        #expect(client.publish("b", "3", unless: ["a"]) == ["2[\"message\",3]"])
    }

    @Test("a long list of rooms that are left out is held against many channels as a short one is")
    func longLists() throws {
        var client = client()
        for room in ["a", "b", "c"] { _ = client.send("20[\"subscribe\",\"\(room)\"]") }
        let many = (0..<900).map { "room-\($0)" }
        for _ in 0..<2 {
            #expect(client.publish("b", "1", unless: many) == ["2[\"message\",1]"])
            #expect(client.publish("b", "2", unless: many + ["a"]).isEmpty)
            _ = client.send("21[\"unsubscribe\",\"a\"]")
            #expect(client.publish("b", "3", unless: many + ["a"]) == ["2[\"message\",3]"])
            _ = client.send("22[\"subscribe\",\"a\"]")
            #expect(client.publish("b", "4", unless: many + ["a"]).isEmpty)
        }
    }

    /// The handshake of a client that comes back to the rooms `a` and `b`.
    private static let back = "0{\"pid\":\"\(String(repeating: "p", count: 24))\",\"offset\":\"0.k3vx/a,0/b\"}"

    @Test("what a client missed and does not hear, for it is in a room that was left out, is also looked at in turns")
    func hiddenTurns() throws {
        var client = SocketIODriver(kept, permissions: .subscribe, channels: 8, opensRooms: true)
        let left = [try channel("b")]
        client.stream("a", (1...200).map { "\($0)" })
        client.stream("b", [])
        for index in 0..<200 { client.starts["a"]?.publications[index].metadata = PublicationMetadata(unless: left) }
        let heard = client.send(Self.back)
        #expect(heard.count == 2 && heard.last?.contains("200.k3vx/a") == true, "\(heard)")
        #expect(client.turns == [0, 0, 1])
    }

    @Test("a client that is told what it missed is found by its id: it can be sent away, and taken out of a room")
    func betweenTurns() throws {
        func command(_ action: EmitterRequest.Action) throws -> SocketIORoomCommand {
            try SocketIORoomCommand(
                EmitterRequest(namespace: "/", action: action, rooms: ["a"], except: []), ChannelRulebook(), limit: 64)
        }
        func heard(_ action: EmitterRequest.Action) throws -> (SocketIODriver, [String]) {
            var client = SocketIODriver(kept, permissions: .subscribe, channels: 8, opensRooms: true)
            client.stream("a", (1...200).map { "\($0)" })
            client.stream("b", [])
            let command = try command(action)
            client.betweenTurns = { $0.perform(command, now: Self.now) }
            let heard = client.send(Self.back)
            return (client, heard)
        }
        #expect(try heard(.disconnect(close: true)).0.end == .forced)
        let (gone, last) = try heard(.disconnect(close: false))
        #expect(last.count == 66 && last.last == "1" && gone.session.channelCount == 0, "\(last.suffix(2))")
        let (left, events) = try heard(.leave(["a"]))
        #expect(events.filter { $0.hasPrefix("2[\"message\"") }.count == 64 && left.session.channelCount == 3)
        #expect(events.last?.contains("/a") == false)
    }

    @Test("bytes among an event's arguments are its attachments")
    func attachments() {
        var client = client()
        _ = client.send("20[\"subscribe\",\"a\"]")
        let payload = #"{"event":"e","args":[{"_placeholder":true,"num":0}],"binary":["aGk="]}"#
        #expect(client.publish("a", payload) == [#"51-["e",{"_placeholder":true,"num":0}]+hi"#])
        // A placeholder for nothing would break the client's connection.
        let wrong = #"{"event":"e","args":[{"_placeholder":true,"num":1}],"binary":["aGk="]}"#
        #expect(client.publish("a", wrong).first?.hasPrefix("2[\"message\",{\"event\"") == true)
    }

    @Test("a backend joins a client to a channel, and takes it out")
    func commands() throws {
        var client = client(kept, permissions: .subscribe)
        let wanted = CommandedSubscription(channel: try channel("a"))
        guard case .begun(.join(let request)) = client.session.subscribe(wanted, now: Self.now) else {
            Issue.record("not begun")
            return
        }
        guard case .awaited = client.session.subscribe(wanted, now: Self.now) else {
            Issue.record("not awaited")
            return
        }
        let number = request.request ?? 0
        let start = SubscriptionStart(position: StreamPosition(offset: 3, epoch: "k3vx"))
        let told = client.answer { $0.subscribed(id: number, start) }
        #expect(told.count == 1 && told[0].contains("fanfare:offset") && told[0].contains("3.k3vx/a"))
        guard case .unchanged = client.session.subscribe(wanted, now: Self.now) else {
            Issue.record("again")
            return
        }
        guard case .done(let action) = client.session.unsubscribe(try channel("a")) else {
            Issue.record("kept")
            return
        }
        let left = client.answer { _ in action }
        #expect(left.count == 1 && !left[0].contains("/a"))
        guard case .unchanged = client.session.unsubscribe(try channel("a")) else {
            Issue.record("left twice")
            return
        }
        guard case .unsupported = client.session.unsubscribe(try channel("$socket.io")) else {
            Issue.record("left the room of all")
            return
        }
        #expect(client.session.channelCount == 2)
    }

    @Test("a subscription that a backend gave for a while ends alone; a refresh moves the end of all")
    func expiry() throws {
        var client = client()
        let wanted = CommandedSubscription(channel: try channel("a"), expiresAt: 1_010)
        guard case .begun(.join(let request)) = client.session.subscribe(wanted, now: Self.now) else {
            Issue.record("not begun")
            return
        }
        _ = client.answer { $0.subscribed(id: request.request ?? 0, SubscriptionStart()) }
        let later = TokenTime(wall: 1_010, monotonic: 1_010)
        #expect(client.session.secondsLeft(later) == 0)
        #expect(client.session.expire(later) == [.leave(try channel("a"), request: request.request ?? 0)])
        #expect(client.session.channelCount == 2 && client.session.secondsLeft(later) == nil)
        _ = client.session.refresh(expiresAt: 1_020, info: nil, now: later)
        #expect(client.session.secondsLeft(later) == 10)
    }

    @Test("an emitter's request is for the sockets of its rooms but those left out, in its namespace")
    func requests() throws {
        var client = client()
        let rules = ChannelRulebook()
        func command(
            _ action: EmitterRequest.Action, rooms: [ExactText] = [], except: [ExactText] = [],
            namespace: ExactText = "/"
        ) throws -> SocketIORoomCommand {
            try SocketIORoomCommand(
                EmitterRequest(namespace: namespace, action: action, rooms: rooms, except: except), rules, limit: 64)
        }
        #expect(client.session.perform(try command(.join(["a"]), rooms: ["b"]), now: Self.now) == nil)
        let actions = client.session.perform(try command(.join(["a", "c"])), now: Self.now) ?? []
        #expect(actions.count == 2)
        for action in actions { _ = client.answer { _ in action } }
        #expect(client.session.channelCount == 4)
        #expect(client.session.perform(try command(.leave(["a"]), rooms: ["c"], except: ["a"]), now: Self.now) == nil)
        let left = client.session.perform(try command(.leave(["a", "b"]), rooms: ["c"]), now: Self.now) ?? []
        #expect(left.count == 1 && client.session.channelCount == 3)
        #expect(throws: EmitterError.self) { try command(.join(["~234567890123456789z"])) }
        #expect(throws: EmitterError.self) { try command(.join(["a"]), namespace: "/none") }
        #expect(
            client.session.perform(try command(.disconnect(close: true)), now: Self.now) == [.disconnect(.forced)])
        let gone = client.session.perform(try command(.disconnect(close: false), rooms: ["c"]), now: Self.now) ?? []
        let heard = gone.flatMap { action in client.answer { _ in action } }
        #expect(heard == ["1"] && client.session.channelCount == 0)
    }

    @Test("a client that begins anew is another socket with another room of its own")
    func anew() throws {
        var client = SocketIODriver(kept, channels: 8, opensRooms: true)
        client.stream("news", ["1"], epoch: "new")
        let answer =
            client.send("0{\"pid\":\"\(String(repeating: "p", count: 24))\",\"offset\":\"1.old/news\"}").first ?? ""
        let room = "$" + (answer.split(separator: "\"").dropFirst(3).first.map(String.init) ?? "")
        #expect(client.joined.contains { $0.hasPrefix(room + "#") } && client.joined.count == 2, "\(client.joined)")
    }
}
