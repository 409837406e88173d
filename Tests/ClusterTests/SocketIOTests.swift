import FanfareTestKit
import Foundation
import Testing

@Suite("Cluster: Socket.IO")
struct SocketIOTests {
    private static let flags = [
        "--namespaces", "chat: history=50/10m recovery presence; room: presence; *: publish=clients",
    ]

    private func withNodes(_ body: (Node, Node) async throws -> Void) async throws {
        try await withRedis { redis in
            try await withNode("one", redis: redis.url, flags: Self.flags) { one in
                try await withNode("two", redis: redis.url, flags: Self.flags) { two in try await body(one, two) }
            }
        }
    }

    @Test("what one publishes all hear on both nodes: Socket.IO, Centrifuge and raw clients")
    func everyone() async throws {
        try await withNodes { one, two in
            let (first, _) = try await SocketIOClient.join(one.port)
            let (second, _) = try await SocketIOClient.join(two.port)
            // A room has no offset where nothing is kept, but a namespace with channels that are kept says where one is.
            for client in [first, second] {
                #expect(try await client.packet() == "2[\"fanfare:offset\",\"\"]")
                try await client.send("20[\"subscribe\",\"room:1\"]")
                #expect(
                    try await client.packets(2) == ["2[\"fanfare:offset\",\"/room:1\"]", "30[{\"room\":\"room:1\"}]"])
            }
            let raw = try await WebSocketClient.connect(two.port, "/channels/room:1/ws")
            let centrifuge = try await one.centrifuge()
            _ = try await centrifuge.subscribe("room:1", recovering: nil)

            try await first.send("21[\"publish\",\"room:1\",{\"event\":\"news\",\"args\":[1]}]")
            var heard = try await first.packets(2)
            #expect(Set(heard) == ["31[{}]", "2[\"news\",1]"])
            #expect(try await second.packet() == "2[\"news\",1]")
            #expect(try await raw.next() == .text("{\"event\":\"news\",\"args\":[1]}"))
            #expect(try await centrifuge.nextPublication().data.contains("\"news\""))

            try await second.send("51-2[\"publish\",\"room:1\",{\"_placeholder\":true,\"num\":0}]")
            try await second.send([0, 255])
            heard = try await first.packets(1) + [try await first.next()]
            #expect(heard == ["51-[\"message\",{\"_placeholder\":true,\"num\":0}]", "+0 ff"])
            #expect(try await raw.next() == .binary([0, 255]))

            try await raw.send("hello")
            #expect(try await first.packet() == "2[\"message\",\"hello\",null]")
            var own: [String] = []
            while own.last != "42[\"message\",\"hello\",null]", own.last != "end" {
                own.append(try await second.next())
            }
            #expect(
                Set(own.dropLast()) == ["432[{}]", "451-[\"message\",{\"_placeholder\":true,\"num\":0}]", "+0 ff"])
            for client in [first, second] { await client.close() }
            await raw.close()
            await centrifuge.close()
        }
    }

    @Test("a client comes back on another node, as who it was, with what it missed in each of its channels")
    func recovery() async throws {
        try await withNodes { one, two in
            let (first, answer) = try await SocketIOClient.join(one.port, "0/chat,")
            let (sid, pid) = (try #require(answer.member("sid")), try #require(answer.member("pid")))
            #expect(try await first.packet() == "2/chat,[\"fanfare:offset\",\"\"]")
            var offset = ""
            for room in ["a", "b"] {
                try await first.send("2/chat,0[\"subscribe\",\"\(room)\"]")
                let heard = try await first.packets(2)
                #expect(heard[1].hasPrefix("3/chat,0[{\"room\":\"\(room)\",\"position\":\"0."))
                offset = String(heard[0].dropFirst("2/chat,[\"fanfare:offset\",\"".count).dropLast(2))
            }
            _ = try await one.publish("chat:a", "1")
            let event = try await first.packet()
            #expect(event.hasPrefix("2/chat,[\"message\",1,\"1."))
            offset = String(event.dropFirst("2/chat,[\"message\",1,\"".count).dropLast(2))
            await first.close()
            for number in 2...4 { try await one.publish("chat:a", "\(number)") }
            try await two.publish("chat:b", "10")

            let (second, again) = try await SocketIOClient.join(
                two.port, "0/chat,{\"pid\":\"\(pid)\",\"offset\":\"\(offset)\"}")
            #expect(again.member("sid") == sid && again.member("pid") == pid, "\(again)")
            let missed = try await second.packets(5)
            let values = missed.map { $0.dropFirst("2/chat,[\"message\",".count).prefix { $0 != "," } }
            // Each channel's in order.
            #expect(
                values.filter { ["2", "3", "4"].contains($0) } == ["2", "3", "4"] && values.contains("10"), "\(missed)")
            #expect(missed[4].hasPrefix("2/chat,[\"fanfare:offset\",\"4."), "\(missed)")
            try await one.publish("chat:b", "11")
            #expect(try await second.packet().hasPrefix("2/chat,[\"message\",11,\"4."))
            await second.close()

            // Another stream, or none: it begins anew.
            let (third, fresh) = try await SocketIOClient.join(
                one.port, "0/chat,{\"pid\":\"\(pid)\",\"offset\":\"1.gone/chat:a\"}")
            #expect(fresh.member("pid") != nil && fresh.member("pid") != pid)
            #expect(try await third.packet() == "2/chat,[\"fanfare:offset\",\"\"]")
            await third.close()
        }
    }

    @Test("a client that missed hundreds gets them in order, and behind them what is published while they are sent")
    func hundreds() async throws {
        try await withNode(flags: ["--namespaces", "chat: history=2000/10m recovery; *: publish=clients"]) { node in
            let (first, answer) = try await SocketIOClient.join(node.port)
            let pid = try #require(answer.member("pid"))
            _ = try await first.packet()
            try await first.send("20[\"subscribe\",\"chat:a\"]")
            let offset = try await first.packets(2)[0].dropFirst("2[\"fanfare:offset\",\"".count).dropLast(2)
            await first.close()
            for number in 1...700 { try await node.publish("chat:a", "\(number)") }
            async let published: Void = {
                for number in 701...900 { try await node.publish("chat:a", "\(number)") }
            }()
            let (second, back) = try await SocketIOClient.join(
                node.port, "0{\"pid\":\"\(pid)\",\"offset\":\"\(offset)\"}")
            #expect(back.member("pid") == pid)
            var numbers: [Int] = []
            while numbers.count < 900 {
                let packet = try await second.packet()
                if let number = packet.firstMatch(of: /^2\["message",(\d+),/)?.1 { numbers.append(Int(number) ?? 0) }
            }
            try await published
            #expect(numbers == Array(1...900))
            await second.close()
        }
    }

    @Test("channels that nobody keeps come back with those that are kept, and are lost with them")
    func live() async throws {
        try await withNodes { one, two in
            let (first, _) = try await SocketIOClient.join(one.port)
            _ = try await first.packet()
            try await first.send("20[\"subscribe\",\"chat:a\"]")
            let offset = try await first.packets(2)[0].dropFirst("2[\"fanfare:offset\",\"".count).dropLast(2)
            await first.close()
            try await one.publish("chat:a", "1")

            let pid = "abcdefghijklmnopqrstuvwxyz012345"
            let (second, back) = try await SocketIOClient.join(
                two.port, "0{\"pid\":\"\(pid)\",\"offset\":\"/room:1,\(offset)\"}")
            #expect(back.member("pid") == pid, "\(back)")
            let heard = try await second.packets(2)
            #expect(heard[0].hasPrefix("2[\"message\",1,\"/room:1,1."), "\(heard)")
            #expect(heard[1].hasPrefix("2[\"fanfare:offset\",\"/room:1,1."), "\(heard)")
            try await one.publish("room:1", "7")
            #expect(try await second.packet() == "2[\"message\",7]")
            await second.close()

            let (third, anew) = try await SocketIOClient.join(
                two.port, "0{\"pid\":\"\(pid)\",\"offset\":\"/room:1,1.gone/chat:a\"}")
            #expect(anew.member("pid") != pid, "\(anew)")
            #expect(try await third.packet() == "2[\"fanfare:offset\",\"\"]")
            // It has none of them.
            try await third.send("20[\"subscribe\",\"room:1\"]")
            #expect(
                try await third.packets(2) == ["2[\"fanfare:offset\",\"/room:1\"]", "30[{\"room\":\"room:1\"}]"])
            await third.close()
        }
    }

    @Test("a drain closes the transport, so that clients come back; what is no packet ends the connection for good")
    func ends() async throws {
        try await withNode(flags: Self.flags) { node in
            let (bad, _) = try await SocketIOClient.join(node.port)
            _ = try await bad.packet()
            try await bad.send("2[\"connect\"]")
            // It is sent away first: the official clients stay away then.
            #expect(try await bad.packet() == "1")
            #expect(["end", "1"].contains(try await bad.next()))
            await bad.close()

            let (good, _) = try await SocketIOClient.join(node.port)
            _ = try await good.packet()
            node.terminate()
            #expect(["end", "1"].contains(try await good.next()))
            await good.close()
        }
    }

    @Test("attachments that never come end the connection, and what came for them is bounded")
    func attachments() async throws {
        try await withNode(flags: Self.flags + ["--message-timeout", "6s", "--max-message-bytes", "1000"]) { node in
            let (silent, _) = try await SocketIOClient.join(node.port, "0/room,")
            try await silent.send("52-[\"publish\",\"1\",{\"_placeholder\":true,\"num\":0}]")
            try await silent.send([1])
            let (big, _) = try await SocketIOClient.join(node.port, "0/room,")
            try await big.send("52-[\"publish\",\"1\",{\"_placeholder\":true,\"num\":0}]")
            try await big.send([UInt8](repeating: 0, count: 999))
            for client in [silent, big] {
                var last = try await client.next()
                while last != "end", last != "1" { last = try await client.next() }
                await client.close()
            }
            for code in ["3100", "1009"] {
                try await eventually("\(code) is counted") {
                    try await node.metric("fanfare_disconnects_total{code=\"\(code)\"}") == 1
                }
            }
        }
    }

    @Test("a client whose every turn ends within a packet goes on, for each packet has its own time")
    func attachmentsAllTheTime() async throws {
        try await withNode(flags: Self.flags + ["--message-timeout", "6s"]) { node in
            let client = try await EngineIOClient.open(node.port, path: "/socket.io/")
            let packet = "451-/room,[\"publish\",\"1\",{\"_placeholder\":true,\"num\":0}]"
            try await client.post(node.port, "40/room,", packet)
            let start = ContinuousClock.now
            while ContinuousClock.now - start < .seconds(12) {
                // One turn, or nearly always.
                let answer = try await client.post(node.port, "bAQ==", packet)
                #expect(answer.status == 200, "\(answer.body)")
                guard answer.status == 200 else { return }
                try await Task.sleep(for: .milliseconds(100))
            }
            try await client.post(node.port, "bAQ==", "42/room,7[\"publish\",\"1\",2]")
            var heard: [String] = []
            while !heard.contains("43/room,7[{}]") { heard += try await client.poll(node.port) }
            #expect(heard.first?.hasPrefix("40/room,{\"sid\"") == true, "\(heard)")
        }
    }

    @Test("whoever joins no namespace in time is ended")
    func deadline() async throws {
        try await withNode(flags: Self.flags + ["--socketio-connect-timeout", "1s"]) { node in
            let client = try await SocketIOClient.open(node.port)
            #expect(["end", "1"].contains(try await client.next()))
            await client.close()
            try await eventually("it is counted") {
                try await node.metric("fanfare_disconnects_total{code=\"3502\"}") == 1
            }
        }
    }

    @Test("Socket.IO is where its path says, or nowhere")
    func path() async throws {
        let query = "EIO=4&transport=polling"
        try await withNode(flags: ["--socketio-path", "/realtime/io"]) { node in
            for path in ["/realtime/io", "/realtime/io/"] {
                let answer = try await HTTP.get(node.port, "\(path)?\(query)")
                #expect(answer.body.hasPrefix("0{\"sid\":"))
            }
            let elsewhere = try await HTTP.get(node.port, "/socket.io/?\(query)")
            #expect(elsewhere.status == 404)
        }
        try await withNode(flags: ["--socketio-path", "off"]) { node in
            let nowhere = try await HTTP.get(node.port, "/socket.io/?\(query)")
            #expect(nowhere.status == 404)
        }
    }

    @Test("a token says who the client is, and its channels are there with the handshake")
    func tokens() async throws {
        try await TestTokens.withNode(flags: Self.flags) { node in
            let token = try await TestTokens.make(
                "{\"sub\":\"42\",\"channels\":[\"chat:a\",\"room:1\"],\"exp\":\(TestTokens.time(in: 3_600))}")
            let (client, answer) = try await SocketIOClient.join(node.port, "0{\"token\":\"\(token)\"}")
            #expect(answer.hasPrefix("0{\"sid\":"))
            let offset = try await client.packet()
            #expect(offset.hasPrefix("2[\"fanfare:offset\",\"0.") && offset.hasSuffix("/chat:a\"]"), "\(offset)")
            try await node.publish("room:1", "7")
            #expect(try await client.packet() == "2[\"message\",7]")
            let answers = try await client.ask("21[\"presence\",\"room:1\"]")
            #expect(answers.hasPrefix("31[{\"presence\":{") && answers.contains("\"user\":\"42\""), "\(answers)")
            await client.close()
            let (refused, error) = try await SocketIOClient.join(node.port, "0{\"token\":\"no\"}")
            #expect(error == "4{\"message\":\"unauthorized\",\"data\":{\"code\":101}}")
            #expect(try await refused.ask("0/nowhere,") == "4/nowhere,{\"message\":\"Invalid namespace\"}")
            await refused.close()
        }
    }
}
