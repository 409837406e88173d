import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore
@testable import FanfareProtocols

/// Subscriptions with QoS 1 and 2 that begin, change and end while messages are under way. Sections are those of MQTT 5.0.
@Suite("MQTT subscriptions with a window")
struct MQTTResubscriptionTests {
    private typealias Bytes = MQTTBytes

    private static func client(receiveMaximum: UInt8 = 1, properties: [UInt8] = []) -> MQTTDriver {
        var client = MQTTDriver.connected(
            .v5, MQTTDeliveryTests.stream, ["room": MQTTDriver.cache],
            properties: [0x21, 0, receiveMaximum] + properties)
        client.starts["a"] = SubscriptionStart(position: StreamPosition(offset: 0, epoch: "e"))
        return client
    }

    private static func puback(_ id: UInt8) -> [UInt8] { [0x40, 2, 0, id] }

    private static func state(_ text: String, at offset: UInt64) throws -> SubscriptionStart {
        SubscriptionStart(
            position: StreamPosition(offset: offset, epoch: "e"),
            publications: [try MQTTDriver.publication("room:1", text, at: offset)])
    }

    @Test("UNSUBSCRIBE leaves what is under way to its end, and what waited is not read (§3.10.4)")
    func unsubscribe() throws {
        var client = Self.client()
        #expect(client.send(Bytes.subscribe([("a", 2)])) == ["SUBACK 1 [2]"])
        for offset in UInt64(1)...3 { _ = try client.publish("a", "x", at: offset) }
        #expect(client.send(Bytes.unsubscribe(["a"], id: 4)) == ["UNSUBACK 4 [0]"])
        #expect(client.session.window.behind.isEmpty && client.session.window.messages.count == 1)
        #expect(client.send([0x50, 2, 0, 1]) == ["PUBREL 1 0"] && client.send([0x70, 2, 0, 1]).isEmpty)
        #expect(client.session.window.messages.isEmpty && client.asked.isEmpty && client.end == nil)
        // Who subscribes again begins at the stream's end.
        client.starts["a"] = SubscriptionStart(position: StreamPosition(offset: 3, epoch: "e"))
        #expect(client.send(Bytes.subscribe([("a", 1)])) == ["SUBACK 1 [1]"])
        #expect(try client.publish("a", "4", at: 4) == ["PUBLISH q1#2 a 4"])
    }

    @Test("a backend's unsubscribe while something is read for it leaves nothing behind")
    func unsubscribedWhileRead() throws {
        var client = Self.client()
        #expect(client.send(Bytes.subscribe([("a", 1)])) == ["SUBACK 1 [1]"])
        for offset in UInt64(1)...2 { _ = try client.publish("a", "x", at: offset) }
        #expect(client.send(Self.puback(1)).isEmpty && client.asked.count == 1)
        guard case .done = client.session.unsubscribe(try ChannelName("a")) else {
            Issue.record("it had none")
            return
        }
        let page = try MQTTDeliveryTests.page(2...2)
        #expect(client.answer { $0.read(id: 1, .success(page)) }.isEmpty)
        #expect(client.session.window.reading == nil && client.session.window.behind.isEmpty)
        #expect(!client.session.hasCommands)
    }

    @Test("another QoS holds from its SUBACK on, and nothing is lost or comes twice for it (§3.8.4)")
    func otherQoS() throws {
        var client = Self.client(receiveMaximum: 2)
        #expect(client.send(Bytes.subscribe([("a", 1)])) == ["SUBACK 1 [1]"])
        #expect(try client.publish("a", "1", at: 1) == ["PUBLISH q1#1 a 1"])
        #expect(client.send(Bytes.subscribe([("a", 2)])) == ["SUBACK 1 [2]"] && client.joined.count == 1)
        #expect(try client.publish("a", "2", at: 2) == ["PUBLISH q2#2 a 2"])
        // Down to 0 while it is behind: it gets all, with QoS 0, and is then like any other.
        #expect(try client.publish("a", "3", at: 3).isEmpty)
        #expect(client.send(Bytes.subscribe([("a", 0)])) == ["SUBACK 1 [0]"] && client.joined.count == 1)
        #expect(try client.publish("a", "4", at: 4).isEmpty)
        #expect(client.send(Self.puback(1)).isEmpty && client.asked.count == 1)
        let page = try MQTTDeliveryTests.page(3...4)
        #expect(client.answer { $0.read(id: 1, .success(page)) } == ["PUBLISH a 3", "PUBLISH a 4"])
        #expect(client.session.subscriptions[0].follower == nil && client.session.window.behind.isEmpty)
        #expect(try client.publish("a", "5", at: 5) == ["PUBLISH a 5"])
        client.starts["a"] = SubscriptionStart(position: StreamPosition(offset: 5, epoch: "e"))
        #expect(client.send(Bytes.subscribe([("a", 0)])) == ["SUBACK 1 [0]"] && client.joined.count == 1)
        #expect(try client.publish("a", "6", at: 6) == ["PUBLISH a 6"])
        // And up again, by another subscription of the hub.
        client.starts["a"] = SubscriptionStart(position: StreamPosition(offset: 6, epoch: "e"))
        #expect(client.send(Bytes.subscribe([("a", 1)])) == ["SUBACK 1 [1]"] && client.joined.count == 1)
        #expect(try client.publish("a", "6", at: 6).isEmpty)
        #expect(try client.publish("a", "7", at: 7) == ["PUBLISH q1#3 a 7"])
    }

    @Test("one that had QoS 0 with an identifier goes up without another subscription, and follows from there")
    func upWithIdentifier() throws {
        var client = Self.client()
        #expect(client.send(Bytes.subscribe([("a", 0)], properties: [0x0B, 5])) == ["SUBACK 1 [0]"])
        #expect(client.session.subscriptions[0].follower == nil)
        #expect(client.send(Bytes.subscribe([("a", 1)], properties: [0x0B, 5])) == ["SUBACK 1 [1]"])
        for offset in UInt64(3)...5 { _ = try client.publish("a", "x", at: offset) }
        #expect(client.send(Self.puback(1)).isEmpty)
        guard case .history(_, let query, _)? = client.asked.last else {
            Issue.record("nothing is read")
            return
        }
        #expect(query.since?.offset == 3)
    }

    @Test("a SUBSCRIBE that waits for the hub says what it was granted, whatever came behind it")
    func waiting() {
        var client = Self.client()
        client.holds = true
        #expect(client.send(Bytes.subscribe([("a", 1)], id: 3)).isEmpty)
        #expect(client.send(Bytes.subscribe([("a", 2)], id: 4)) == ["SUBACK 4 [2]"])
        #expect(client.send(Bytes.subscribe([("a", 0)], id: 5)) == ["SUBACK 3 [1]"])
        #expect(client.release() == ["SUBACK 5 [0]"] && client.joined.count == 1)
    }

    @Test("the retained message comes with its QoS; where there is no room it is read later, still retained (§3.3.1.3)")
    func retained() throws {
        var client = Self.client()
        client.starts["room:1"] = try Self.state("on", at: 3)
        #expect(client.send(Bytes.subscribe([("room:1", 1)])) == ["SUBACK 1 [1]", "PUBLISH retained q1#1 room:1 on"])
        // Again, while the window is full.
        #expect(client.send(Bytes.subscribe([("room:1", 1)])) == ["SUBACK 1 [1]"] && client.asked.count == 1)
        let page = HistoryPage(
            publications: try Self.state("on", at: 3).publications, position: StreamPosition(offset: 3, epoch: "e"))
        #expect(client.answer { $0.read(id: 1, .success(page)) }.isEmpty && client.session.window.behind == [1])
        #expect(try client.publish("room:1", "off", at: 4).isEmpty)
        _ = client.asked.popLast()
        #expect(client.send(Self.puback(1)).isEmpty)
        guard case .history(_, let query, _)? = client.asked.popLast() else {
            Issue.record("nothing is read")
            return
        }
        #expect(query.reverse && query.limit == 1)
        let newest = HistoryPage(
            publications: try Self.state("off", at: 4).publications, position: StreamPosition(offset: 4, epoch: "e"))
        #expect(client.answer { $0.read(id: 1, .success(newest)) } == ["PUBLISH retained q1#2 room:1 off"])
        // It was sent with what it was owed, and is to come as the publication that it is.
        #expect(client.session.window.behind == [1])
        #expect(client.send(Self.puback(2)).isEmpty)
        let live = try MQTTDeliveryTests.page(4...4, of: "room:1")
        #expect(client.answer { $0.read(id: 1, .success(live)) } == ["PUBLISH q1#3 room:1 4"])
    }

    @Test("a new subscription to a state while the window is full begins with the newest, once there is room")
    func retainedFirst() throws {
        var client = Self.client()
        #expect(client.send(Bytes.subscribe([("a", 1)])) == ["SUBACK 1 [1]"])
        #expect(try client.publish("a", "1", at: 1).count == 1)
        client.starts["room:1"] = try Self.state("old", at: 3)
        #expect(client.send(Bytes.subscribe([("room:1", 2)])) == ["SUBACK 1 [2]"])
        #expect(try client.publish("room:1", "new", at: 4).isEmpty && client.publish("a", "2", at: 2).isEmpty)
        #expect(client.send(Self.puback(1)).isEmpty)
        guard case .history(let channel, let query, let id)? = client.asked.popLast() else {
            Issue.record("nothing is read")
            return
        }
        #expect(channel.string == "room:1" && query.reverse)
        let page = HistoryPage(
            publications: try Self.state("new", at: 4).publications, position: StreamPosition(offset: 4, epoch: "e"))
        #expect(client.answer { $0.read(id: id, .success(page)) } == ["PUBLISH retained q2#2 room:1 new"])
        #expect(client.session.window.behind == [1] && client.end == nil)
    }
}
