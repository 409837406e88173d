import FanfareTestKit
import Foundation
import Testing

@Suite("Cluster: MQTT")
struct MQTTTests {
    private static let flags = [
        "--namespaces", "state: history=1/10m recovery=cache; room: presence; *: publish=clients",
        "--redis-probe-interval", "300ms",
        "--redis-timeout", "1s",
    ]

    private func withNodes(_ body: (Node, Node) async throws -> Void) async throws {
        try await withRedis { redis in
            try await withNode("one", redis: redis.url, flags: Self.flags) { one in
                try await withNode("two", redis: redis.url, flags: Self.flags) { two in try await body(one, two) }
            }
        }
    }

    @Test("what one publishes all hear on both nodes: both versions of MQTT, STOMP, raw clients")
    func everyone() async throws {
        try await withNodes { one, two in
            let (new, old) = (try await MQTTClient.connect(one.port), try await MQTTClient.connect(two.port, level: 4))
            try await new.subscribe("room:1")
            try await old.subscribe("room:1")
            let stomp = try await STOMPClient.connect(two.port)
            _ = try await stomp.subscribe("/topic/room\\c1")
            let raw = try await WebSocketClient.connect(one.port, "/channels/room:1/ws")

            let properties =
                [0x03] + MQTTClient.text("text/plain") + [0x26] + MQTTClient.text("k") + MQTTClient.text("v")
            try await new.send(new.publication("room:1", "hi", flags: 2, id: 7, properties: properties))
            // Its acknowledgement and its own message come in any order.
            let heard = try await [new.next(), new.next()].sorted { $0[0] < $1[0] }
            #expect(heard == [new.publication("room:1", "hi", properties: properties), [0x40, 2, 0, 7]])
            #expect(try await old.next() == old.publication("room:1", "hi"))
            let (headers, body) = try await stomp.message()
            #expect(body == "hi" && headers["content-type"] == "text/plain" && headers["k"] == "v")
            #expect(try await raw.next() == .text("hi"))

            try await raw.send("back")
            #expect(try await new.next() == new.publication("room:1", "back"))
            #expect(try await old.next() == old.publication("room:1", "back"))
            for client in [new, old] { await client.close() }
            await stomp.close()
            await raw.close()
        }
    }

    @Test("a byte a message is the same, and so are many packets in one; QoS 2 is published once")
    func borders() async throws {
        try await withNodes { one, two in
            let (first, second) = (
                try await MQTTClient.connect(one.port, level: 4), try await MQTTClient.connect(two.port)
            )
            try await second.subscribe("room:1")
            for byte in first.publication("room:1", "one", flags: 4, id: 1) { try await first.send([byte]) }
            #expect(try await first.next() == [0x50, 2, 0, 1])
            let again = first.publication("room:1", "one", flags: 12, id: 1)
            try await first.send(again + [0x62, 2, 0, 1, 0xC0, 0] + first.publication("room:1", "two"))
            #expect(try await first.next() == [0x50, 2, 0, 1])
            #expect(try await first.next() == [0x70, 2, 0, 1])
            #expect(try await first.next() == [0xD0, 0])
            #expect(try await second.next() == second.publication("room:1", "one"))
            #expect(try await second.next() == second.publication("room:1", "two"))
            for client in [first, second] { await client.close() }
        }
    }

    @Test("the newest publication is the retained message, on any node; No Local and identifiers hold")
    func retained() async throws {
        try await withNodes { one, two in
            let first = try await MQTTClient.connect(one.port)
            try await first.send(first.publication("state:1", "on", flags: 3, id: 1))
            #expect(try await first.next() == [0x40, 2, 0, 1])
            let second = try await MQTTClient.connect(two.port)
            try await second.subscribe("state:1", options: 4, properties: [0x0B, 5])
            #expect(try await second.next() == second.publication("state:1", "on", flags: 1, properties: [0x0B, 5]))
            // Its own does not come, the other's does.
            try await second.send(second.publication("state:1", "mine", flags: 2, id: 2))
            #expect(try await second.next() == [0x40, 2, 0, 2])
            try await first.send(first.publication("state:1", "off"))
            #expect(try await second.next() == second.publication("state:1", "off", properties: [0x0B, 5]))
            for client in [first, second] { await client.close() }
        }
    }

    @Test("a drained node says why: DISCONNECT 0x8B and a close code in version 5, the code alone in 3.1.1")
    func drain() async throws {
        try await withNodes { one, _ in
            let (new, old) = (try await MQTTClient.connect(one.port), try await MQTTClient.connect(one.port, level: 4))
            one.terminate()
            let last = try await new.next()
            #expect(last.first == 0xE0 && last.count > 2 && last[2] == 0x8B)
            #expect(try await new.next() == [UInt8(1012 >> 8), UInt8(1012 & 0xFF)])
            #expect(try await old.next() == [UInt8(1012 >> 8), UInt8(1012 & 0xFF)])
            for client in [new, old] { await client.close() }
        }
    }

    @Test(
        "of one client identifier a node has the newest client, on whichever event loop; the other is told why (§3.1.4)"
    )
    func takeOver() async throws {
        try await withNodes { one, _ in
            for level: UInt8 in [4, 5, 4, 5] {
                let first = try await MQTTClient.connect(one.port, level: level, id: "me")
                let second = try await MQTTClient.connect(one.port, id: "me")
                if level == 5 {
                    let last = try await first.next()
                    #expect(last.first == 0xE0 && last.count > 2 && last[2] == 0x8E)
                }
                #expect(try await first.next() == [UInt8(3510 >> 8), UInt8(3510 & 0xFF)])
                await first.close()
                try await second.send([0xC0, 0])
                #expect(try await second.next() == [0xD0, 0])
                await second.close()
            }
        }
    }

    @Test("a slow consumer is told so behind the message under way: DISCONNECT 0x97, then 3008; others lose nothing")
    func slowConsumer() async throws {
        let flags = ["--max-queue-bytes", "100000", "--max-message-bytes", "60000"]
        try await withNode("slow", flags: flags) { node in
            let slow = try await MQTTClient.connect(node.port, receiveBuffer: 4_096)
            try await slow.subscribe("flood")
            let quick = try await MQTTClient.connect(node.port, level: 4)
            try await quick.subscribe("flood")
            try await slow.socket.socket.pauseReading()
            let packet = quick.publication("flood", String(repeating: "x", count: 50_000))
            try await eventually("the slow one is cut") {
                for _ in 0..<5 {
                    try await quick.send(packet)
                    #expect(try await quick.next() == packet)
                }
                return try await node.metric(#"fanfare_disconnects_total{code="3008"}"#) == 1
            }
            try await slow.socket.socket.resumeReading()
            var last = try await slow.next()
            while last.first == 0x30 { last = try await slow.next() }
            #expect(last.first == 0xE0 && last.count > 2 && last[2] == 0x97)
            #expect(try await slow.next() == [UInt8(3008 >> 8), UInt8(3008 & 0xFF)])
            for client in [slow, quick] { await client.close() }
        }
    }

    @Test(
        "a client that says nothing for one and a half times its keep-alive ends, whatever its WebSocket says (§3.1.2.10)"
    )
    func keepAlive() async throws {
        try await withNodes { one, _ in
            let client = try await MQTTClient.connect(one.port, keepAlive: 1)
            let last = try await client.next()
            #expect(last.first == 0xE0 && last.count > 2 && last[2] == 0x8D)
            #expect(try await client.next() == [UInt8(3012 >> 8), UInt8(3012 & 0xFF)])
            await client.close()
        }
    }

    @Test("an upgrade without the subprotocol mqtt is refused (§6)")
    func subprotocol() async throws {
        try await withNodes { one, _ in
            for headers in [[:], ["Sec-WebSocket-Protocol": "mqttv3.1, MQTT"]] {
                await #expect(throws: WebSocketClient.Refused.self) {
                    try await WebSocketClient.connect(one.port, "/mqtt", headers: headers)
                }
            }
        }
    }
}
