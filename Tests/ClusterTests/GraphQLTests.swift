import FanfareTestKit
import Foundation
import Testing

@Suite("Cluster: GraphQL")
struct GraphQLTests {
    private static let flags = [
        "--namespaces",
        "chat: history=50/10m recovery read-history=clients; room: presence read-presence=clients; *: publish=clients",
        "--redis-probe-interval", "300ms", "--redis-timeout", "1s",
    ]

    private func withNodes(_ body: (Node, Node) async throws -> Void) async throws {
        try await withRedis { redis in
            try await withNode("one", redis: redis.url, flags: Self.flags) { one in
                try await withNode("two", redis: redis.url, flags: Self.flags) { two in try await body(one, two) }
            }
        }
    }

    private static func next(_ id: String, _ data: String) -> String {
        #"{"id":"\#(id)","type":"next","payload":{"data":\#(data)}}"#
    }

    @Test("what one publishes all hear on both nodes, each operation as it asks for it")
    func everyone() async throws {
        try await withNodes { one, two in
            let first = try await GraphQLClient.connect(one.port)
            let second = try await GraphQLClient.connect(two.port)
            // What came before its subscription comes, too: so nobody has to know when it is in force.
            try await first.start("a", "subscription { channel(name: \"chat:1\", last: 50) { data offset } }")
            try await second.start(
                "b", "subscription { channel(name: \"chat:1\", last: 50) { p: position __typename } }")
            let raw = try await WebSocketClient.connect(two.port, "/channels/chat:1/ws")

            try await first.start("m", "mutation { publish(channel: \"chat:1\", data: {a: [1]}) { offset } }")
            let heard = try await [first.next(), first.next(), first.next()].sorted()
            #expect(
                heard == [
                    Self.next("a", #"{"channel":{"data":{"a":[1]},"offset":1}}"#), #"{"id":"m","type":"complete"}"#,
                    Self.next("m", #"{"publish":{"offset":1}}"#),
                ])
            let other = try await second.next()
            #expect(other.hasPrefix(#"{"id":"b","type":"next","payload":{"data":{"channel":{"p":"1."#))
            #expect(other.hasSuffix(#","__typename":"Publication"}}}}"#))
            #expect(try await raw.next() == .text(#"{"a":[1]}"#))

            // Once each, in order, whoever publishes.
            for number in 2...40 { try await (number % 2 == 0 ? one : two).publish("chat:1", "\(number)") }
            for number in 2...40 {
                #expect(
                    try await first.next() == Self.next("a", #"{"channel":{"data":\#(number),"offset":\#(number)}}"#))
            }
            for client in [first, second] { await client.close() }
            await raw.close()
        }
    }

    @Test("a client comes back on another node with since, and hears what it missed once, in order")
    func recovery() async throws {
        try await withNodes { one, two in
            let first = try await GraphQLClient.connect(one.port)
            try await first.start("a", "subscription { channel(name: \"chat:a\", last: 9) { position } }")
            _ = try await one.publish("chat:a", "1")
            let text = try await first.next()
            let since = try #require(text.split(separator: "\"position\":\"").last?.prefix { $0 != "\"" })
            await first.close()
            for number in 2...4 { try await two.publish("chat:a", "\(number)") }
            let second = try await GraphQLClient.connect(two.port)
            try await second.start("b", "subscription { channel(name: \"chat:a\", since: \"\(since)\") { data } }")
            for number in 2...4 {
                #expect(try await second.next() == Self.next("b", #"{"channel":{"data":\#(number)}}"#))
            }
            try await one.publish("chat:a", "5")
            #expect(try await second.next() == Self.next("b", #"{"channel":{"data":5}}"#))
            // What is lost is said, and the connection goes on.
            try await second.start("c", "subscription { channel(name: \"chat:a\", since: \"1.aaaaaaaa\") { data } }")
            #expect(try await second.next().contains("INSUFFICIENT_STATE"))
            try await second.start("h", "{ history(channel: \"chat:a\", last: 2) { publications { data } offset } }")
            #expect(
                try await second.next()
                    == Self.next("h", #"{"history":{"publications":[{"data":4},{"data":5}],"offset":5}}"#))
            #expect(try await second.next() == #"{"id":"h","type":"complete"}"#)
            await second.close()
        }
    }

    @Test("who is in a channel is there for queries, GraphQL clients among them")
    func presence() async throws {
        try await withNode("one", flags: Self.flags) { node in
            let client = try await GraphQLClient.connect(node.port)
            try await client.start("s", "subscription { channel(name: \"room:1\") { data } }")
            try await eventually("it is there") {
                try await client.start("p", "{ presence(channel: \"room:1\") { count members { user } } }")
                let heard = try await client.next()
                _ = try await client.next()
                return heard == Self.next("p", #"{"presence":{"count":1,"members":[{"user":""}]}}"#)
            }
            await client.close()
        }
    }

    @Test("a node in operation does not have it yet, and says so")
    func operation() async throws {
        try await withNode("one", flags: ["--anonymous", "subscribe"], dev: false) { node in
            let answer = try await HTTP.get(node.port, "/graphql")
            #expect(answer.status == 404 && answer.body.contains("with --dev"), "\(answer)")
        }
    }

    @Test(
        "a channel has 16 different selections for one address, four for each client, each for as long as somebody uses it"
    )
    func selections() async throws {
        // What selections share of a channel is one event loop's.
        try await withNode("one", flags: Self.flags + ["--loops", "1"]) { node in
            for channel in ["chat:1", "chat:2"] { try await node.publish(channel, "1") }
            // Each hears what came last, so it is known that it is in force.
            func subscribe(_ client: GraphQLClient, _ number: Int, _ channel: String = "chat:1") async throws -> String
            {
                try await client.start(
                    "\(number)", "subscription { a\(number): channel(name: \"\(channel)\", last: 1) { data } }")
                return try await client.next()
            }
            func heard(_ number: Int) -> String { Self.next("\(number)", #"{"a\#(number)":{"data":1}}"#) }
            var clients: [GraphQLClient] = []
            for number in 0..<5 {
                let client = try await GraphQLClient.connect(node.port)
                clients.append(client)
                for selection in 0..<4 where number < 4 {
                    #expect(try await subscribe(client, number * 4 + selection) == heard(number * 4 + selection))
                }
            }
            #expect(try await subscribe(clients[0], 99).contains("4 of a channel"))
            #expect(try await subscribe(clients[4], 16).contains("TRY_AGAIN_LATER"))
            #expect(try await node.metric("fanfare_format_refusals_total") == 1)
            // Another's selection is no new one, and another channel's are its own.
            #expect(try await subscribe(clients[4], 3) == heard(3))
            #expect(try await subscribe(clients[4], 16, "chat:2") == heard(16))
            // One that ends leaves its room, while its client goes on.
            try await clients[1].send(#"{"id":"5","type":"complete"}"#)
            try await eventually("what it had is free") {
                let answer = try await subscribe(clients[4], 17)
                return answer == heard(17)
            }
            for client in clients { await client.close() }
            try await eventually("all are gone") { try await node.metric("fanfare_connections") == 0 }
        }
    }

    @Test("a subprotocol is agreed on, and who offers none is closed with 4406 behind the upgrade")
    func subprotocols() async throws {
        try await withNode("one", flags: Self.flags) { node in
            for name in ["graphql-transport-ws", "graphql-ws"] {
                let client = try await GraphQLClient.open(node.port, subprotocol: "other, \(name)")
                #expect(client.socket.answer["sec-websocket-protocol"] == name)
                await client.close()
            }
            for offer in ["other", nil] {
                let client = try await GraphQLClient.open(node.port, subprotocol: offer)
                #expect(client.socket.answer["sec-websocket-protocol"] == nil)
                #expect(try await client.next() == "close 4406")
                await client.close()
            }
        }
    }

    @Test("who says nothing, or what is no message, is closed with the protocol's code")
    func refusals() async throws {
        try await withNode("one", flags: Self.flags + ["--first-command-timeout", "1s"]) { node in
            let silent = try await GraphQLClient.open(node.port)
            #expect(try await silent.next() == "close 4408")
            await silent.close()
        }
        try await withNode("one", flags: Self.flags) { node in
            for (text, code) in [
                ("?", 4400), (#"{"id":"1","type":"subscribe","payload":{"query":"{ node { name } }"}}"#, 4401),
                (#"{"type":"start"}"#, 4400),
            ] {
                let client = try await GraphQLClient.open(node.port)
                try await client.send(text)
                #expect(try await client.next() == "close \(code)")
                await client.close()
            }
            try await eventually("all are gone") { try await node.metric("fanfare_connections") == 0 }
        }
    }

    @Test("a drain ends GraphQL clients with 1012, after which they come back")
    func drain() async throws {
        try await withNode("one", flags: Self.flags) { node in
            let client = try await GraphQLClient.connect(node.port)
            async let last = client.next()
            node.terminate()
            #expect(try await last == "close 1012")
            await client.close()
        }
    }

    @Test("the older subprotocol hears the same, in its own words, with a sign of life")
    func legacy() async throws {
        try await withNode("one", flags: Self.flags + ["--ping-interval", "5s", "--pong-timeout", "4s"]) { node in
            let client = try await GraphQLClient.connect(node.port, subprotocol: "graphql-ws")
            #expect(try await client.next() == #"{"type":"ka"}"#)
            try await client.start("1", "subscription { channel(name: \"chat:1\", last: 1) { data } }", type: "start")
            try await node.publish("chat:1", "1")
            let expected = #"{"id":"1","type":"data","payload":{"data":{"channel":{"data":1}}}}"#
            var heard = [try await client.next(), try await client.next()]
            while !heard.contains(expected) || !heard.contains(#"{"type":"ka"}"#) {
                heard.append(try await client.next())
            }
            try await client.send(#"{"id":"1","type":"stop"}"#)
            var last = try await client.next()
            while last == #"{"type":"ka"}"# { last = try await client.next() }
            #expect(last == #"{"id":"1","type":"complete"}"#)
            await client.close()
        }
    }
}
