import FanfareTestKit
import Foundation
import Testing

/// Three real nodes on a real Redis behind a real nginx.
@Suite("Cluster: delivery", .serialized)
struct DeliveryTests {
    @Test("thousands of messages from all nodes reach every subscriber on every node in one order")
    func oneOrder() async throws {
        try await withCluster { cluster in
            var listeners: [WebSocketClient] = []
            for node in cluster.nodes { for _ in 0..<3 { listeners.append(try await node.raw("load")) } }
            var publishers: [WebSocketClient] = []
            for node in cluster.nodes { publishers.append(try await node.raw("load")) }
            let each = 1_000
            for (index, publisher) in publishers.enumerated() {
                for number in 0..<each { publisher.sendLater("\(index):\(number)") }
            }
            let orders = try await withThrowingTaskGroup(of: [String].self) { group in
                for listener in listeners {
                    group.addTask {
                        var texts: [String] = []
                        while texts.count < each * 3 { texts.append(try await listener.nextText()) }
                        return texts
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let first = try #require(orders.first)
            #expect(Set(first).count == each * 3)
            #expect(orders.allSatisfy { $0 == first }, "subscribers saw different orders")
            for index in 0..<3 {
                #expect(first.filter { $0.hasPrefix("\(index):") } == (0..<each).map { "\(index):\($0)" })
            }
            for node in cluster.nodes {
                #expect(try await node.metric("fanfare_connections") == 4)
                // Counted when the walk over the subscribers is over, after the last of them has its message.
                try await eventually("deliveries are counted exactly") {
                    try await node.metric("fanfare_deliveries_total") == Double(each * 3 * 4)
                }
            }
        }
    }

    @Test("raw and Centrifuge clients on different nodes hear each other, a backend reaches both")
    func protocols() async throws {
        try await withCluster { cluster in
            let raw = try await cluster.nodes[0].raw("mixed")
            let centrifuge = try await cluster.nodes[1].centrifuge()
            try await centrifuge.subscribe("mixed")
            try await raw.send(#"{"from": "raw"}"#)
            #expect(try await raw.nextText() == #"{"from": "raw"}"#)
            #expect(try await centrifuge.nextPublication().data == #"{"from":"raw"}"#)
            try await centrifuge.publish("mixed", #"{"from": "centrifuge"}"#)
            #expect(try await raw.nextText() == #"{"from": "centrifuge"}"#)
            #expect(try await centrifuge.nextPublication().data == #"{"from":"centrifuge"}"#)
            try await raw.send([0, 1, 255])
            #expect(try await raw.next() == .binary([0, 1, 255]))
            #expect(try await centrifuge.nextPublication().data == #"{"base64":"AAH/"}"#)

            try await cluster.redis.command("PUBLISH", "fanfare:mixed", "from redis")
            #expect(try await raw.nextText() == "from redis")
            #expect(try await centrifuge.nextPublication().data == #""from redis""#)
            #expect(try await cluster.nodes[2].publish("mixed", #"{"a": [1, 2]}"#).body == #"{"result":{}}"#)
            #expect(try await raw.nextText() == #"{"a": [1, 2]}"#)
            #expect(try await centrifuge.nextPublication().data == #"{"a":[1,2]}"#)
            let broadcast = try await HTTP.post(
                cluster.nodes[2].adminPort, "/api/broadcast", #"{"channels":["mixed","bad name"],"data":"x"}"#)
            #expect(broadcast.status == 200 && broadcast.body.contains(#""code":107"#))
            #expect(try await raw.nextText() == #""x""#)
            #expect(try await HTTP.post(cluster.port, "/channels/mixed", "over POST").status == 200)
            #expect(try await raw.nextText() == "over POST")
        }
    }

    @Test("with a write delay messages of that time leave in one write, and nobody hears of what was before")
    func writeDelay() async throws {
        try await withNode(flags: ["--write-delay", "1s"]) { node in
            let early = try await node.raw("slow")
            for number in 0..<20 {
                try await early.send("\(number)")
                try await eventually("it was taken") {
                    try await node.metric("fanfare_publications_in_total") == Double(number + 1)
                }
            }
            let late = try await node.raw("slow")
            try await late.send("late")
            for number in 0..<20 { #expect(try await early.nextText() == "\(number)") }
            #expect(try await early.nextText() == "late")
            #expect(try await late.nextText() == "late")
            try await eventually("writes were merged") { try await node.metric("fanfare_coalescing_ratio") >= 2 }
        }
    }

    @Test("a thousand clients on one node, each in its channel, get their message and no other")
    func manyChannels() async throws {
        try await withRedis { redis in
            try await withNode(redis: redis.url) { node in
                let clients = try await withThrowingTaskGroup(of: (Int, WebSocketClient).self) { group in
                    for number in 0..<1_000 {
                        group.addTask { (number, try await node.raw("many-\(number)")) }
                    }
                    return try await group.reduce(into: [Int: WebSocketClient]()) { $0[$1.0] = $1.1 }
                }
                #expect(try await node.metric("fanfare_subscriptions") == 1_000)
                #expect(try await node.metric("fanfare_broker_channels") == 1_000)
                for number in 0..<1_000 { clients[number]?.sendLater("for \(number)") }
                for number in 0..<1_000 {
                    let client = try #require(clients[number])
                    #expect(try await client.nextText() == "for \(number)")
                }
                for client in clients.values { await client.close() }
                try await eventually("all subscriptions are gone") {
                    let left = try await redis.command("PUBSUB", "CHANNELS", "fanfare:many-*")
                    return try await node.metric("fanfare_subscriptions") == 0 && left == ""
                }
                #expect(try await node.metric("fanfare_connections") == 0)
            }
        }
    }
}
