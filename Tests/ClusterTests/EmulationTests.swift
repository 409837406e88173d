import FanfareTestKit
import Testing

/// Sessions of the Centrifuge protocol over plain HTTP: a stream to the client, its commands in requests that reach any node.
@Suite("Cluster: emulation", .serialized)
struct EmulationTests {
    @Test(
        "a whole session through nginx over three nodes without a route, also when the session's node is killed",
        arguments: EmulatedClient.Form.allCases)
    func session(form: EmulatedClient.Form) async throws {
        try await withEmulation(3) { cluster in
            let client = try await EmulatedClient.connect(cluster.port, form)
            let subscribed = try await client.command(#""subscribe":{"channel":"chat:a"}"#, through: cluster.port)
            let epoch = try #require(subscribed.result("subscribe", "epoch"))
            #expect(client.session.hasPrefix(client.clientID + ".") && client.session.utf8.count == 69)
            #expect(client.stream.answer["cache-control"] == "no-store, no-transform")
            // Each request has a route of its own, so all nodes are asked.
            for number in 1...12 {
                let reply = try await client.command(
                    #""publish":{"channel":"chat:a","data":\#(number)}"#, through: cluster.port)
                #expect(reply.errorCode == nil, "\(reply.text)")
            }
            for number in 1...12 { #expect(try await client.nextData() == "\(number)") }
            let presence = try await client.command(#""presence":{"channel":"chat:a"}"#, through: cluster.port)
            #expect(presence.members == [client.clientID])
            var forwarded = 0.0
            for node in cluster.nodes { forwarded += try await node.metric("fanfare_emulation_forwarded_total") }
            #expect(forwarded >= 3, "some came through other nodes")
            #expect(
                try await client.command(#""unsubscribe":{"channel":"chat:a"}"#, through: cluster.port).errorCode == nil
            )
            let refused = try await client.command(#""publish":{"channel":"chat:a","data":0}"#, through: cluster.port)
            #expect(refused.errorCode == 103)

            let node = try #require(cluster.nodes.first { $0.name == client.node })
            let others = cluster.nodes.filter { $0.name != node.name }
            await node.kill()
            try await client.stream.readToEnd()
            for other in others {
                #expect(try await client.post("{}", through: other.port).status != 204, "its session died with it")
            }
            for number in 13...15 { try await others[0].publish("chat:a", "\(number)") }
            let again = try await EmulatedClient.connect(cluster.port, form)
            let back = try await again.command(
                #""subscribe":{"channel":"chat:a","recover":true,"offset":12,"epoch":"\#(epoch)"}"#,
                through: cluster.port)
            #expect(back.text.contains(#""recovered":true"#), "\(back.text)")
            #expect(back.text.contains(#"{"data":13,"offset":13},{"data":14,"offset":14},{"data":15,"offset":15}"#))
            try await others[1].publish("chat:a", "16")
            #expect(try await again.nextData() == "16")
            for client in [client, again] { await client.close() }
        }
    }

    @Test("commands of one request are done in their order, and those of requests that wait for each other")
    func order() async throws {
        try await withEmulation(2) { cluster in
            for form in EmulatedClient.Form.allCases {
                let client = try await EmulatedClient.connect(cluster.nodes[0].port, form)
                _ = try await client.command(
                    #""subscribe":{"channel":"chat:\#(form)"}"#, through: cluster.nodes[1].port)
                var number = 0
                for _ in 0..<20 {
                    let commands = (0..<10).map { _ -> String in
                        number += 1
                        return #"{"id":\#(number + 100),"publish":{"channel":"chat:\#(form)","data":\#(number)}}"#
                    }
                    let answer = try await client.post(
                        commands.joined(separator: "\n"), through: cluster.nodes[number / 10 % 2].port)
                    #expect(answer.status == 204 && answer.body.isEmpty)
                }
                for expected in 1...number { #expect(try await client.nextData() == "\(expected)") }
                await client.close()
            }
        }
    }

    @Test("a token is refreshed by a request; who does not ends with 3005, and who has no place gets no stream")
    func tokens() async throws {
        let flags = ["--token-leeway", "0", "--expired-grace", "500ms", "--max-connections-per-user", "2"]
        try await TestTokens.withNode(flags: flags) { node in
            func token(_ seconds: Int) async throws -> String {
                try await TestTokens.make(#"{"sub":"42","exp":\#(TestTokens.time(in: seconds))}"#)
            }
            let short = try await token(8)
            let ending = try await EmulatedClient.connect(node.port, .events, connect: #"{"token":"\#(short)"}"#)
            let staying = try await EmulatedClient.connect(
                node.port, .lines, headers: ["Authorization": "Bearer \(short)"])
            let third = try await EmulatedClient.open(
                node.port, .lines, first: #"{"id":1,"connect":{"token":"\#(short)"}}"#)
            #expect(try await third.read().errorCode == 111)
            #expect(try await third.read().text.hasPrefix(#"{"push":{"disconnect":{"code":1013,"#))
            let refreshed = try await staying.command(
                #""refresh":{"token":"\#(try await token(600))"}"#, through: node.port)
            #expect(refreshed.result("refresh", "ttl") != nil, "\(refreshed.text)")
            #expect(try await ending.read().text.hasPrefix(#"{"push":{"disconnect":{"code":3005,"#))
            #expect(try await staying.command(#""subscribe":{"channel":"a"}"#, through: node.port).errorCode == nil)
            for client in [ending, staying, third] { await client.close() }
        }
    }

    @Test("a drain is told, ends the answer whole, and until then takes requests that other nodes get")
    func drain() async throws {
        try await withEmulation(2, ["--drain", "15s"]) { cluster in
            let (node, other) = (cluster.nodes[0], cluster.nodes[1])
            var clients: [EmulatedClient] = []
            for number in 0..<16 {
                clients.append(try await EmulatedClient.connect(node.port, number % 2 == 0 ? .events : .lines))
            }
            node.terminate()
            var taken = 0
            for client in clients {
                if try await client.post("{}", through: other.port).status == 204 { taken += 1 }
            }
            #expect(taken > 0, "closes are spread over the drain")
            for client in clients {
                #expect(try await client.read().text.hasPrefix(#"{"push":{"disconnect":{"code":1012,"#))
                try await client.stream.read { $0.chunks?.hasEnded == true }
                #expect(client.stream.chunks?.problem == nil)
                await client.close()
            }
            #expect(try await node.waitForExit() == 0)
        }
    }

    @Test("while Redis is away requests for other nodes get 503, those of the session's own node go on")
    func withoutRedis() async throws {
        try await withEmulation(2) { cluster in
            let client = try await EmulatedClient.connect(cluster.nodes[0].port, .lines)
            await cluster.redis.stop()
            try await eventually("the other node says so") {
                let answer = try await client.post("{}", through: cluster.nodes[1].port)
                return answer.status == 503 && answer["fanfare-outcome"] != nil && answer["retry-after"] != nil
            }
            #expect(try await client.post(#"{"id":7,"ping":{}}"#, through: cluster.nodes[0].port).status == 204)
            #expect(try await client.read().id == 7)
            await client.close()
        }
    }

    @Test("a node that others do not hear takes no clients whose requests may come in there")
    func unheard() async throws {
        let redis = "redis://127.0.0.1:\(FreePort.take())"
        try await withNode(redis: redis, flags: EmulatedClient.flags, isReady: false) { node in
            for form in EmulatedClient.Form.allCases {
                let refused = try await EmulatedClient.open(
                    node.port, form, first: #"{"id":1,"connect":{}}"#, headers: ["Accept": "*/*"])
                #expect(refused.stream.answer.status == 503 && refused.stream.answer["retry-after"] != nil)
                await refused.close()
                let hears = try await EmulatedClient.open(node.port, form, first: "{}", prefix: "uni_")
                #expect(try await hears.read().text.hasPrefix(#"{"connect":{"#))
                await hears.close()
            }
        }
    }

    @Test("a full node is passed over by nginx also where a stream begins with a POST")
    func full() async throws {
        try await withEmulation(2, ["--max-connections", "2"]) { cluster in
            var clients: [StreamClient] = []
            for _ in 0..<4 {
                let client = try await StreamClient.connect(
                    cluster.port, "/connection/http_stream?route=one", headers: ["Accept": "*/*"], method: "POST",
                    body: #"{"id":1,"connect":{}}"#)
                #expect(client.answer.status == 200)
                clients.append(client)
            }
            #expect(Set(clients.map(\.node)).count == 2)
            for client in clients { await client.close() }
        }
    }
}
