import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore
@testable import FanfareProtocols

/// What comes with QoS 1 and 2. Sections are those of MQTT 5.0.
@Suite("MQTT deliveries")
struct MQTTDeliveryTests {
    private typealias Bytes = MQTTBytes

    static var stream: ChannelRules {
        var rules = ChannelRules()
        rules.history = .init(size: 100, age: .seconds(60))
        return rules
    }

    /// A client in channels with a history, and such with a state (`room:`), which has subscribed.
    private static func client(
        _ version: MQTTVersion = .v5, _ channels: [String] = ["a"], qos: UInt8 = 1, receiveMaximum: UInt8? = nil
    ) -> MQTTDriver {
        var client = MQTTDriver.connected(
            version, stream, ["room": MQTTDriver.cache],
            properties: receiveMaximum.map { [0x21, 0, $0] } ?? [])
        for channel in channels {
            client.starts[channel] = SubscriptionStart(position: StreamPosition(offset: 0, epoch: "e"))
            #expect(
                client.send(Bytes.subscribe([(channel, qos)], properties: client.properties())) == ["SUBACK 1 [\(qos)]"]
            )
        }
        return client
    }

    private static func ack(_ type: MQTTPacketType, _ id: UInt16, _ rest: [UInt8] = []) -> [UInt8] {
        let first = type.rawValue << 4 | (type == .pubrel ? 2 : 0)
        return Bytes.packet(first, [UInt8(id >> 8), UInt8(id & 0xFF)] + rest)
    }

    static func page(
        _ offsets: ClosedRange<UInt64>, end: UInt64? = nil, of channel: String = "a", epoch: String = "e"
    ) throws -> HistoryPage {
        let end = end ?? offsets.upperBound
        return HistoryPage(
            publications: try offsets.map { try MQTTDriver.publication(channel, "\($0)", at: $0, epoch: epoch) },
            position: StreamPosition(offset: end, epoch: epoch), isCut: end > offsets.upperBound)
    }

    /// What was read last is here.
    private static func read(_ client: inout MQTTDriver, _ page: HistoryPage) throws -> [String] {
        guard case .history(_, _, let id)? = client.asked.popLast() else {
            Issue.record("nothing is read")
            return []
        }
        let heard = client.answer { $0.read(id: id, .success(page)) }
        client.goOn()
        return heard
    }

    private static func query(_ client: MQTTDriver) -> (channel: String, query: HistoryQuery)? {
        guard case .history(let channel, let query, _)? = client.asked.last else { return nil }
        return (channel.string, query)
    }

    // MARK: QoS

    @Test(
        "SUBACK grants 1 and 2 where a history keeps what there is no room for, else 0 (§3.9.3)",
        arguments: MQTTVersion.allCases)
    func granted(version: MQTTVersion) throws {
        var newest = Self.stream
        newest.queue = .newest
        var client = MQTTDriver.connected(version, ChannelRules(), ["h": Self.stream, "n": newest])
        #expect(
            client.send(
                Bytes.subscribe([("h:1", 1), ("h:2", 2), ("n:1", 2), ("a", 2)], properties: client.properties()))
                == ["SUBACK 1 [1, 2, 0, 0]"])
        #expect(try client.publish("a", "x") == ["PUBLISH a x"])
        #expect(try client.publish("n:1", "x", at: 1) == ["PUBLISH n:1 x"])
        #expect(try client.publish("h:1", "x", at: 1) == ["PUBLISH q1#1 h:1 x"])
        #expect(try client.publish("h:2", "x", at: 1) == ["PUBLISH q2#2 h:2 x"])
    }

    @Test("a delivery has the smaller of the publisher's and the granted QoS, and 0 where no stream has it (§3.8.4)")
    func minimum() throws {
        for (granted, sent, heard): (UInt8, UInt8?, String) in [
            (1, nil, "q1#1 "), (1, 1, "q1#1 "), (1, 0, ""), (2, nil, "q2#1 "), (2, 1, "q1#1 "), (2, 0, ""),
        ] {
            var client = Self.client(qos: granted)
            #expect(try client.publish("a", "x", at: 1, qos: sent) == ["PUBLISH \(heard)a x"])
            #expect(try client.publish("a", "plain") == ["PUBLISH a plain"])
        }
    }

    @Test("what a client publishes says with which QoS, where subscribers may have more")
    func published() {
        var client = Self.client()
        func terms(_ flags: UInt8) -> PublishTerms? {
            _ = client.send(Bytes.publish("a", "x", flags: flags, id: flags == 0 ? nil : 5))
            if case .publishOnTerms(_, _, _, let terms, _)? = client.asked.last { return terms }
            return nil
        }
        #expect(terms(0) == PublishTerms(qos: 0) && terms(2) == PublishTerms(qos: 1))
        #expect(client.published().isEmpty && client.published() == ["PUBACK 5 0"])
        #expect(terms(4) == nil && client.published() == ["PUBREC 5 0"])
        _ = client.send(Bytes.subscribe([("a", 4)]))
        #expect(terms(0) == PublishTerms(qos: 0, isForOthers: true))
        var plain = MQTTDriver.connected()
        _ = plain.send(Bytes.publish("a", "x"))
        if case .publish? = plain.asked.last {} else { Issue.record("\(plain.asked)") }
    }

    @Test("subscription identifiers and properties stand behind the packet identifier (§3.3.2)")
    func identifiers() throws {
        var client = Self.client()
        #expect(client.send(Bytes.subscribe([("a", 2)], properties: [0x0B, 5])) == ["SUBACK 1 [2]"])
        let tag = PublicationTags.Tag(name: "k", value: "v")
        #expect(
            try client.publish("a", "x", at: 1, tags: [tag])
                == ["PUBLISH q2#1 a subscriptionIdentifier=5 userProperty=k:v x"])
        #expect(client.joined.count == 1)
    }

    // MARK: Acknowledgements

    @Test("QoS 1 ends with PUBACK, QoS 2 with PUBREC, PUBREL and PUBCOMP (§4.3)", arguments: MQTTVersion.allCases)
    func flow(version: MQTTVersion) throws {
        var client = Self.client(version, ["a", "b"], qos: 2)
        #expect(try client.publish("a", "x", at: 1, qos: 1) == ["PUBLISH q1#1 a x"])
        #expect(try client.publish("b", "y", at: 1) == ["PUBLISH q2#2 b y"])
        #expect(client.session.window.messages.count == 2)
        #expect(client.send(Self.ack(.puback, 1)).isEmpty)
        #expect(client.send(Self.ack(.pubrec, 2)) == ["PUBREL 2 0"])
        // It lost the PUBREL, or thinks so.
        #expect(client.send(Self.ack(.pubrec, 2)) == ["PUBREL 2 0"])
        #expect(client.send(Self.ack(.pubcomp, 2)).isEmpty && client.session.window.messages.isEmpty)
        #expect(client.session.window.bytes == 0 && client.end == nil)
    }

    @Test("an acknowledgement of nothing has no answer but PUBREL for PUBREC, in version 5 with 0x92 (§3.6.2.1)")
    func unknown() throws {
        for version in MQTTVersion.allCases {
            var client = Self.client(version)
            #expect(client.send(Self.ack(.puback, 7)).isEmpty && client.send(Self.ack(.pubcomp, 7)).isEmpty)
            #expect(client.send(Self.ack(.pubrec, 7)) == ["PUBREL 7 \(version == .v5 ? 146 : 0)"])
            #expect(client.send(Self.ack(.pubrel, 7)) == ["PUBCOMP 7 \(version == .v5 ? 146 : 0)"])
            #expect(client.end == nil)
            #expect(client.send(Self.ack(.puback, 0)) == (version == .v5 ? ["DISCONNECT 130"] : []))
            #expect(client.end == .badRequest)
        }
    }

    @Test("an acknowledgement of another kind than the message waits for ends the client (§4.13)")
    func wrong() throws {
        for version in MQTTVersion.allCases {
            for (qos, type): (UInt8, MQTTPacketType) in [(1, .pubrec), (1, .pubcomp), (2, .puback), (2, .pubcomp)] {
                var client = Self.client(version, qos: qos)
                _ = try client.publish("a", "x", at: 1)
                #expect(client.send(Self.ack(type, 1)) == (version == .v5 ? ["DISCONNECT 130"] : []))
                #expect(client.end == .badRequest)
                #expect(try client.publish("a", "y", at: 2).isEmpty)
            }
        }
    }

    @Test("a refusal ends a message: PUBACK with any reason, PUBREC with one of 0x80 and above (§4.3.3)")
    func refused() throws {
        for reason in MQTTReason.ofClient(in: .pubrec) {
            let isRefused = reason.rawValue >= 0x80
            var client = Self.client(qos: 2)
            _ = try client.publish("a", "x", at: 1)
            #expect(client.send(Self.ack(.pubrec, 1, [reason.rawValue])) == (isRefused ? [] : ["PUBREL 1 0"]))
            #expect(client.session.window.messages.isEmpty == isRefused)
            var other = Self.client()
            _ = try other.publish("a", "x", at: 1)
            #expect(other.send(Self.ack(.puback, 1, [reason.rawValue])).isEmpty)
            #expect(other.session.window.messages.isEmpty && other.end == nil)
        }
    }

    // MARK: The window

    @Test("a full window is filled from the history, in order, when half of it is free", arguments: [UInt8(1), 2])
    func filled(qos: UInt8) throws {
        var client = Self.client(qos: qos, receiveMaximum: 4)
        func end(_ client: inout MQTTDriver, _ ids: ClosedRange<UInt16>) -> [String] {
            client.send(
                ids.flatMap { id in
                    qos == 1 ? Self.ack(.puback, id) : Self.ack(.pubrec, id) + Self.ack(.pubcomp, id)
                }
            ).filter { !$0.hasPrefix("PUBREL") }
        }
        for offset in UInt64(1)...9 {
            #expect(try client.publish("a", "\(offset)", at: offset).count == (offset <= 4 ? 1 : 0))
        }
        #expect(client.asked.isEmpty && end(&client, 1...1).isEmpty && client.asked.isEmpty)
        #expect(end(&client, 2...2).isEmpty)
        let read = try #require(Self.query(client))
        #expect(read.channel == "a" && read.query.since == StreamPosition(offset: 4, epoch: "e"))
        #expect(read.query.limit == 2 && read.query.maxBytes > 500_000)
        // What comes meanwhile is behind it.
        #expect(try client.publish("a", "10", at: 10).isEmpty)
        #expect(
            try Self.read(&client, Self.page(5...6, end: 9)) == ["PUBLISH q\(qos)#5 a 5", "PUBLISH q\(qos)#6 a 6"])
        #expect(client.asked.isEmpty && client.session.window.messages.count == 4)
        #expect(end(&client, 3...6).isEmpty && client.asked.count == 1)
        #expect(try Self.read(&client, Self.page(7...8, end: 10)).count == 2 && client.asked.count == 1)
        #expect(try Self.read(&client, Self.page(9...10)).count == 2 && client.asked.isEmpty)
        #expect(end(&client, 7...10).isEmpty && client.session.window.behind.isEmpty)
        // 10 came already, 11 is live.
        #expect(try client.publish("a", "10", at: 10).isEmpty)
        #expect(try client.publish("a", "11", at: 11) == ["PUBLISH q\(qos)#11 a 11"])
        #expect(client.end == nil)
    }

    @Test("the window is 128 at most, and 1 is a window (§4.9)")
    func limits() throws {
        for (most, count): (UInt8?, Int) in [(nil, 128), (200, 128), (1, 1), (127, 127)] {
            var client = Self.client(receiveMaximum: most)
            var heard = 0
            for offset in UInt64(1)...300 { heard += try client.publish("a", "x", at: offset).count }
            #expect(heard == count && client.session.window.messages.count == count && client.asked.isEmpty)
        }
    }

    @Test("several channels get their turn one after the other, whatever one of them brings")
    func fair() throws {
        var client = Self.client(.v5, ["flood", "quiet", "late"], receiveMaximum: 8)
        for offset in UInt64(1)...20 { _ = try client.publish("flood", "\(offset)", at: offset) }
        #expect(try client.publish("quiet", "1", at: 1).isEmpty)
        #expect(client.session.window.behind.count == 2)
        #expect(client.send((1...4).flatMap { Self.ack(.puback, $0) }).isEmpty)
        #expect(Self.query(client)?.channel == "flood" && Self.query(client)?.query.limit == 4)
        #expect(try Self.read(&client, Self.page(9...12, end: 20, of: "flood")).count == 4 && client.asked.isEmpty)
        // Not into what is kept for those in line.
        #expect(client.send(Self.ack(.puback, 5)).isEmpty)
        #expect(try client.publish("late", "1", at: 1).isEmpty && client.asked.isEmpty)
        #expect(client.send((6...8).flatMap { Self.ack(.puback, $0) }).isEmpty)
        #expect(Self.query(client)?.channel == "quiet")
        #expect(try Self.read(&client, Self.page(1...1, of: "quiet")) == ["PUBLISH q1#13 quiet 1"])
        #expect(client.send(Self.ack(.puback, 13)).isEmpty && Self.query(client)?.channel == "flood")
        #expect(try Self.read(&client, Self.page(13...16, end: 20, of: "flood")).count == 4)
        #expect(
            client.send((9...12).flatMap { Self.ack(.puback, $0) }).isEmpty && Self.query(client)?.channel == "late")
        // With room above what is kept a live one is sent.
        #expect(client.send((14...17).flatMap { Self.ack(.puback, $0) }).isEmpty)
        #expect(try client.publish("quiet", "2", at: 2) == ["PUBLISH q1#18 quiet 2"])
    }

    @Test("what a client has not acknowledged is bounded in bytes, too")
    func bytes() throws {
        var client = Self.client()
        let text = String(repeating: "x", count: 100_000)
        var heard = 0
        for offset in UInt64(1)...20 { heard += try client.publish("a", text, at: offset).count }
        #expect(heard == 6 && client.session.window.bytes < 700_000)
        #expect(client.send((1...3).flatMap { Self.ack(.puback, $0) }).isEmpty && client.asked.isEmpty)
        #expect(client.send(Self.ack(.puback, 4)).isEmpty && Self.query(client)?.query.maxBytes ?? 0 > 300_000)
    }

    @Test("what followed and is lost ends the client; of a state the newest that is kept is enough")
    func lost() throws {
        for channel in ["a", "room:1"] {
            var client = Self.client(.v5, [channel], receiveMaximum: 1)
            for offset in UInt64(1)...9 { _ = try client.publish(channel, "\(offset)", at: offset) }
            #expect(client.send(Self.ack(.puback, 1)).isEmpty)
            let heard = try Self.read(&client, Self.page(7...9, of: channel))
            #expect(heard == (channel == "a" ? ["DISCONNECT 128"] : ["PUBLISH q1#2 room:1 7"]))
            #expect(client.end == (channel == "a" ? .insufficientState : nil))
        }
        for result in [
            .success(HistoryPage(publications: [], position: StreamPosition(offset: 1, epoch: "e"))),
            .success(try Self.page(1...9, epoch: "f")), .failure(.unavailable),
        ] as [Result<HistoryPage, BrokerError>] {
            var client = Self.client(receiveMaximum: 1)
            for offset in UInt64(1)...2 { _ = try client.publish("a", "\(offset)", at: offset) }
            #expect(client.send(Self.ack(.puback, 1)).isEmpty && client.asked.count == 1)
            let heard = client.answer { $0.read(id: 1, result) }
            if case .failure = result {
                #expect(heard == ["DISCONNECT 137"] && client.end == .tryAgainLater)
            } else {
                #expect(heard == ["DISCONNECT 128"] && client.end == .insufficientState)
            }
        }
    }

    @Test(
        "what is read leaves out what the client published itself with No Local, what expired, and what is above its limit"
    )
    func leftOut() throws {
        let id = ClientID.make(node: .random(), loop: 1)
        var client = MQTTDriver.connected(
            .v5, Self.stream, properties: [0x21, 0, 1, 0x27, 0, 0, 0, 60], clientID: id.description)
        client.starts["a"] = SubscriptionStart(position: StreamPosition(offset: 0, epoch: "e"))
        #expect(client.send(Bytes.subscribe([("a", 5)])) == ["SUBACK 1 [1]"])
        for offset in UInt64(1)...2 { _ = try client.publish("a", "x", at: offset) }
        #expect(client.send(Self.ack(.puback, 1)).isEmpty)
        let long = String(repeating: "x", count: 100)
        let expired = PublicationTags.Tag(name: "message-expiry", value: "1")
        var old = try MQTTDriver.publication("a", "old", at: 3, tags: [expired])
        old.publishedAt = 1
        let page = HistoryPage(
            publications: [
                try MQTTDriver.publication("a", long, at: 2), old,
                try MQTTDriver.publication("a", "own", at: 4, excluding: id),
                try MQTTDriver.publication("a", "5", at: 5),
            ],
            position: StreamPosition(offset: 5, epoch: "e"))
        #expect(try Self.read(&client, page) == ["PUBLISH q1#2 a 5"])
        #expect(client.send(Self.ack(.puback, 2)).isEmpty && client.asked.isEmpty)
        // Above its limit: as if it were delivered.
        #expect(try client.publish("a", long, at: 6).isEmpty && client.session.window.messages.isEmpty)
        #expect(try client.publish("a", "7", at: 7) == ["PUBLISH q1#3 a 7"])
    }

    @Test("publications with QoS 0 need no room, and keep their place behind those that wait")
    func withoutRoom() throws {
        var client = Self.client(receiveMaximum: 1)
        #expect(try client.publish("a", "1", at: 1).count == 1)
        #expect(try client.publish("a", "2", at: 2, qos: 0) == ["PUBLISH a 2"])
        #expect(try client.publish("a", "3", at: 3).isEmpty && client.publish("a", "4", at: 4, qos: 0).isEmpty)
        // In no stream, so nobody can bring it later.
        #expect(try client.publish("a", "plain") == ["PUBLISH a plain"])
        #expect(client.send(Self.ack(.puback, 1)).isEmpty)
        let page = HistoryPage(
            publications: [
                try MQTTDriver.publication("a", "3", at: 3), try MQTTDriver.publication("a", "4", at: 4, qos: 0),
            ],
            position: StreamPosition(offset: 4, epoch: "e"))
        #expect(try Self.read(&client, page) == ["PUBLISH q1#2 a 3", "PUBLISH a 4"])
        #expect(client.session.window.behind.isEmpty)
    }

    @Test("a read waits until it may begin, and packets go on")
    func reads() throws {
        var client = Self.client(receiveMaximum: 1)
        for offset in UInt64(1)...2 { _ = try client.publish("a", "x", at: offset) }
        client.mayRead = false
        #expect(client.send(Self.ack(.puback, 1) + [0xC0, 0]) == ["PINGRESP"])
        #expect(client.asked.isEmpty && client.session.hasCommands)
        client.mayRead = true
        client.goOn()
        #expect(client.asked.count == 1 && !client.session.hasCommands)
    }
}
