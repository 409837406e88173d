import FanfareTestKit
import Foundation
import Testing

/// Deliveries with QoS 1 and 2.
@Suite("Cluster: MQTT deliveries")
struct MQTTQoSTests {
    private static let flags = [
        "--namespaces", "log: history=500/10m recovery; state: history=1/10m recovery=cache; *: publish=clients",
        "--redis-probe-interval", "300ms",
    ]
    /// Receive Maximum 10.
    private static let small: [UInt8] = [0x21, 0, 10]

    private func withNodes(_ body: (Node, Node) async throws -> Void) async throws {
        try await withRedis { redis in
            try await withNode("one", redis: redis.url, flags: Self.flags) { one in
                try await withNode("two", redis: redis.url, flags: Self.flags) { two in try await body(one, two) }
            }
        }
    }

    /// The next delivery behind PUBRELs.
    private func delivery(_ client: MQTTClient) async throws -> MQTTClient.Delivery {
        while true {
            let packet = try await client.next()
            guard packet.first == 0x62 else { return try client.delivery(packet) }
        }
    }

    @Test(
        "a client with a small window hears all of a burst once and in order, by way of the history",
        arguments: [(5, 1), (5, 2), (4, 1), (4, 2)] as [(UInt8, UInt8)])
    func burst(level: UInt8, qos: UInt8) async throws {
        try await withNodes { one, two in
            let client = try await MQTTClient.connect(
                one.port, level: level, properties: level == 5 ? Self.small : [])
            try await client.subscribe("log:1", options: qos, granted: qos)
            let writer = try await WebSocketClient.connect(two.port, "/channels/log:1/ws")
            for number in 1...300 { try await writer.send("\(number)") }
            var waiting: [MQTTClient.Delivery] = []
            for number in 1...300 {
                let delivery = try await delivery(client)
                #expect(delivery.payload == "\(number)" && delivery.qos == qos && delivery.id > 0)
                waiting.append(delivery)
                guard number % 3 == 0 else { continue }
                for delivery in waiting { try await client.acknowledge(delivery) }
                waiting = []
            }
            // It is live again.
            try await writer.send("last")
            #expect(try await delivery(client).payload == "last")
            await client.close()
            await writer.close()
        }
    }

    @Test("who acknowledges nothing gets its window and no more, and goes on to say and hear the rest")
    func silent() async throws {
        try await withNodes { one, two in
            let silent = try await MQTTClient.connect(one.port, properties: Self.small)
            try await silent.subscribe("log:1", options: 2, granted: 2)
            try await silent.subscribe("room")
            let writer = try await WebSocketClient.connect(two.port, "/channels/log:1/ws")
            let other = try await MQTTClient.connect(one.port)
            try await other.subscribe("log:1")
            for number in 1...50 { try await writer.send("\(number)") }
            for number in 1...50 { #expect(try await other.delivery().payload == "\(number)") }
            for number in 1...10 {
                #expect(try await silent.delivery() == .init(qos: 2, id: UInt16(number), payload: "\(number)"))
            }
            // What is live in a channel without a window comes, and so does an answer.
            try await other.send(other.publication("room", "hi"))
            #expect(try await silent.delivery() == .init(qos: 0, id: 0, payload: "hi"))
            // Half of QoS 2 frees nothing.
            for id: UInt16 in 1...10 {
                try await silent.send(MQTTClient.acknowledgement(5, id))
                #expect(try await silent.next() == MQTTClient.acknowledgement(6, id))
            }
            try await silent.send([0xC0, 0])
            #expect(try await silent.next() == [0xD0, 0])
            for id: UInt16 in 1...5 { try await silent.send(MQTTClient.acknowledgement(7, id)) }
            for number in 11...15 { #expect(try await silent.delivery().payload == "\(number)") }
            for client in [silent, other] { await client.close() }
            await writer.close()
        }
    }

    @Test("a publisher's QoS comes with its message on all nodes, and the newest as retained message with it")
    func minimum() async throws {
        try await withNodes { one, two in
            let writer = try await MQTTClient.connect(two.port)
            let most = try await MQTTClient.connect(one.port)
            let least = try await MQTTClient.connect(two.port, level: 4)
            try await most.subscribe("log:1", options: 2, granted: 2)
            try await least.subscribe("log:1", options: 1, granted: 1)
            try await writer.send(writer.publication("log:1", "0"))
            for qos: UInt8 in 1...2 {
                try await writer.send(writer.publication("log:1", "\(qos)", flags: qos << 1, id: qos))
                _ = try await writer.next()
            }
            _ = try await one.publish("log:1", "3")
            for (payload, qos) in [("0", 0), ("1", 1), ("2", 2), ("3", 2)] as [(String, UInt8)] {
                let (first, second) = (try await most.delivery(), try await least.delivery())
                #expect(first.payload == payload && first.qos == qos)
                #expect(second.payload == payload && second.qos == min(qos, 1))
            }
            for qos: UInt8 in 0...2 {
                // Another identifier than before: nobody said PUBREL.
                let (flags, id) = (qos << 1 | 1, qos > 0 ? 10 + qos : nil)
                // What is published behind it is there when it is.
                try await writer.send(
                    writer.publication("state:\(qos)", "on", flags: flags, id: id)
                        + writer.publication("room", "", flags: 2, id: 9))
                while try await writer.next() != [0x40, 2, 0, 9] {}
                try await most.subscribe("state:\(qos)", options: 2, granted: 2)
                let retained = try await most.delivery()
                #expect(retained.payload == "on" && retained.qos == qos && retained.isRetained)
            }
            for client in [writer, most, least] { await client.close() }
        }
    }

    @Test("a PUBACK for what waits for PUBREC is against the rules, and ends only its client")
    func wrong() async throws {
        try await withNodes { one, _ in
            let client = try await MQTTClient.connect(one.port)
            try await client.subscribe("log:1", options: 2, granted: 2)
            _ = try await one.publish("log:1", "1")
            let delivery = try await client.delivery()
            try await client.send(MQTTClient.acknowledgement(4, delivery.id))
            let last = try await client.next()
            #expect(last.first == 0xE0 && last.count > 2 && last[2] == 0x82)
            #expect(try await client.next() == [UInt8(3501 >> 8), UInt8(3501 & 0xFF)])
            await client.close()
        }
    }
}
