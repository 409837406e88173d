import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore
@testable import FanfareProtocols

/// How a subscription whose window was full gets on: from where it reads, how much, and what it can do without.
@Suite("MQTT subscriptions that catch up")
struct MQTTCatchUpTests {
    private typealias Bytes = MQTTBytes

    private static func client(_ channel: String) -> MQTTDriver {
        var client = MQTTDriver.connected(
            .v5, MQTTDeliveryTests.stream, ["room": MQTTDriver.cache], properties: [0x21, 0, 1])
        client.starts[channel] = SubscriptionStart(position: StreamPosition(offset: 0, epoch: "e"))
        #expect(client.send(Bytes.subscribe([(channel, 1)])) == ["SUBACK 1 [1]"])
        return client
    }

    private static func puback(_ id: UInt8) -> [UInt8] { [0x40, 2, 0, id] }

    /// What is being read.
    private static func query(_ client: MQTTDriver) throws -> HistoryQuery {
        guard case .history(_, let query, _)? = client.asked.last else { throw MQTTError(.unspecifiedError, "nothing") }
        return query
    }

    @Test(
        "it reads from the publication before the one that it had no room for, whatever came between that was not for it"
    )
    func place() throws {
        var client = Self.client("a")
        #expect(try client.publish("a", "5", at: 5).count == 1)
        // What the hub does not ask it about, for it published that itself: 6 to 205.
        #expect(try client.publish("a", "206", at: 206).isEmpty)
        #expect(client.send(Self.puback(1)).isEmpty)
        #expect(try Self.query(client).since == StreamPosition(offset: 205, epoch: "e"))
        let page = try MQTTDeliveryTests.page(206...206)
        #expect(client.answer { $0.read(id: 1, .success(page)) } == ["PUBLISH q1#2 a 206"])
    }

    @Test("pages get longer while nothing of them has to be acknowledged, up to half of the greatest window")
    func stride() throws {
        var client = Self.client("a")
        for offset in UInt64(1)...2 { _ = try client.publish("a", "x", at: offset) }
        #expect(client.send(Self.puback(1)).isEmpty)
        var (offset, limits) = (UInt64(2), [Int]())
        while limits.count < 9 {
            let limit = try Self.query(client).limit
            client.asked = []
            limits.append(limit)
            let page = HistoryPage(
                publications: try (0..<UInt64(limit)).map {
                    try MQTTDriver.publication("a", "x", at: offset + $0, qos: 0)
                }, position: StreamPosition(offset: 10_000, epoch: "e"), isCut: true)
            offset += UInt64(limit)
            #expect(client.answer { $0.read(id: 1, .success(page)) }.count == limit)
            client.goOn()
        }
        #expect(limits == [1, 2, 4, 8, 16, 32, 64, 64, 64])
        client.asked = []
        let page = try MQTTDeliveryTests.page(offset...offset, end: 10_000)
        #expect(client.answer { $0.read(id: 1, .success(page)) } == ["PUBLISH q1#2 a \(offset)"])
        #expect(client.send(Self.puback(2)).isEmpty)
        #expect(try Self.query(client).limit == 1)
    }

    @Test("of a state it reads the newest where nothing of what followed can be read")
    func unreadable() throws {
        var client = Self.client("room:1")
        for offset in UInt64(1)...2 { _ = try client.publish("room:1", "x", at: offset) }
        #expect(client.send(Self.puback(1)).isEmpty)
        client.asked = []
        let end = StreamPosition(offset: 9, epoch: "e")
        let cut = HistoryPage(publications: [], position: end, isCut: true)
        #expect(client.answer { $0.read(id: 1, .success(cut)) }.isEmpty)
        client.goOn()
        let query = try Self.query(client)
        #expect(query.reverse && query.limit == 1)
        client.asked = []
        // Even if that can't be read either.
        let newest = HistoryPage(publications: [], position: end)
        #expect(client.answer { $0.read(id: 1, .success(newest)) }.isEmpty)
        client.goOn()
        #expect(client.asked.isEmpty && client.session.window.behind.isEmpty && client.end == nil)
    }

    @Test(
        "one that changes its form asks for the retained message once it is in force, and not with what it begins with")
    func replaced() throws {
        var client = MQTTDriver.connected(.v5, MQTTDeliveryTests.stream, ["room": MQTTDriver.cache])
        let state = try MQTTDriver.publication("room:1", "on", at: 3)
        client.starts["room:1"] = SubscriptionStart(
            position: StreamPosition(offset: 3, epoch: "e"), publications: [state])
        #expect(client.send(Bytes.subscribe([("room:1", 0)])) == ["SUBACK 1 [0]", "PUBLISH retained room:1 on"])
        #expect(client.send(Bytes.subscribe([("room:1", 1)])) == ["SUBACK 1 [1]"])
        let query = try Self.query(client)
        #expect(query.reverse && query.limit == 1 && client.joined == ["room:1#2"])
        let page = HistoryPage(publications: [state], position: StreamPosition(offset: 3, epoch: "e"))
        #expect(client.answer { $0.read(id: 2, .success(page)) } == ["PUBLISH retained q1#1 room:1 on"])
        // What comes meanwhile is not taken for what was read.
        #expect(try client.publish("room:1", "off", at: 4) == ["PUBLISH q1#2 room:1 off"])
    }

    @Test("the retained message is not for its publisher where that wants nothing of its own")
    func ownRetained() throws {
        let id = ClientID.make(node: .random(), loop: 1)
        var client = MQTTDriver.connected(
            .v5, MQTTDeliveryTests.stream, ["room": MQTTDriver.cache], clientID: id.description)
        client.starts["room:1"] = SubscriptionStart(
            position: StreamPosition(offset: 3, epoch: "e"),
            publications: [try MQTTDriver.publication("room:1", "on", at: 3, excluding: id)])
        #expect(client.send(Bytes.subscribe([("room:1", 5)])) == ["SUBACK 1 [1]"])
    }
}
