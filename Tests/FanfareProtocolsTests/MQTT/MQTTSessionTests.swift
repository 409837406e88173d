import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore
@testable import FanfareProtocols

/// Sections are those of MQTT 5.0.
@Suite("MQTT session")
struct MQTTSessionTests {
    private typealias Bytes = MQTTBytes

    // MARK: CONNECT

    @Test("CONNACK of version 5 says what is here and what is not (§3.2.2.3)")
    func connack() {
        var client = MQTTDriver()
        #expect(!client.session.isConnected)
        #expect(
            client.send(Bytes.connect(properties: [0x11, 0, 0, 0, 60], id: ""))
                == [
                    "CONNACK 0 sessionExpiryInterval=0 receiveMaximum=128 retainAvailable=0 maximumPacketSize=1000"
                        + " assignedClientIdentifier=node-id topicAliasMaximum=16 wildcardSubscriptionAvailable=0"
                        + " sharedSubscriptionAvailable=0"
                ])
        #expect(client.session.isConnected && client.session.keepAlive == nil)
        var cached = MQTTDriver(.v5, ChannelRules(), ["room": MQTTDriver.cache])
        #expect(cached.send(Bytes.connect()).first?.contains("retainAvailable") == false)
        var old = MQTTDriver(.v311)
        #expect(old.send(Bytes.connect(.v311)) == ["CONNACK 0"])
    }

    @Test("what can't be had is refused in CONNECT with the code for it, and the connection ends")
    func refused() {
        let will = Bytes.text("w") + Bytes.data([1])
        func outcome(_ version: MQTTVersion, _ bytes: [UInt8], _ permissions: ClientPermissions = .publish) -> String {
            var client = MQTTDriver(version, permissions: permissions)
            let heard = client.send(bytes).map { $0.split(separator: " ").prefix(2).joined(separator: " ") }
            return "\(heard.joined()) \(client.end?.code ?? 0)"
        }
        #expect(outcome(.v5, Bytes.connect(flags: 0x06, [0] + will)) == "CONNACK 131 3508")
        #expect(outcome(.v311, Bytes.connect(.v311, flags: 0x06, will)) == "CONNACK 3 3508")
        #expect(outcome(.v311, Bytes.connect(.v311, flags: 0)) == "CONNACK 2 3501")
        #expect(outcome(.v5, Bytes.connect(flags: 0)).hasPrefix("CONNACK 0"))
        #expect(outcome(.v5, Bytes.connect(properties: [0x15] + Bytes.text("SCRAM"))) == "CONNACK 140 3500")
        #expect(outcome(.v5, Bytes.connect(), .none) == "CONNACK 135 3507")
        #expect(outcome(.v311, Bytes.connect(.v311), .none) == "CONNACK 5 3507")
        let long = String(repeating: "x", count: 257)
        #expect(outcome(.v5, Bytes.connect(id: long)) == "CONNACK 133 3501")
        #expect(outcome(.v5, Bytes.connect(flags: 0x03)) == "CONNACK 129 3501")
        #expect(outcome(.v311, Bytes.connect(.v311, flags: 0x03)) == " 3501", "3.1.1 has no code for it")
        #expect(outcome(.v5, [0x30, 0]) == " 3501", "nobody knows the version")
        #expect(outcome(.v5, Bytes.connect(properties: [0x27, 0, 0, 0, 20])) == "CONNACK 149 1009")
    }

    @Test("a token is the password, else that of the request; the user name means nothing")
    func tokens() {
        var claims = ConnectClaims()
        claims.user = "u"
        for version in MQTTVersion.allCases {
            for (flags, rest, request): (UInt8, [UInt8], String?) in [
                (0xC2, Bytes.text("any") + Bytes.text("t"), "other"), (0x02, [], "t"),
                (0xC2, Bytes.text("any") + Bytes.data([]), "t"),
            ] {
                var client = MQTTDriver(version, permissions: .none, requestToken: request)
                client.tokens = ["t": claims]
                #expect(client.send(Bytes.connect(version, flags: flags, rest)).first?.hasPrefix("CONNACK 0") == true)
                #expect(client.session.grants?.user == "u")
            }
            var bad = MQTTDriver(version)
            let heard = bad.send(Bytes.connect(version, flags: 0xC2, Bytes.text("") + Bytes.text("x"))).first
            #expect(heard?.hasPrefix(version == .v5 ? "CONNACK 134" : "CONNACK 4") == true && bad.end == .invalidToken)
        }
    }

    @Test(
        "a client is silent for one and a half times its keep-alive at most; version 5 is told of a shorter one (§3.1.2.10)"
    )
    func keepAlive() {
        var client = MQTTDriver(.v311)
        _ = client.send(Bytes.connect(.v311, keepAlive: 60))
        #expect(client.session.keepAlive == .clientPings(within: .seconds(90)))
        var long = MQTTDriver()
        #expect(long.send(Bytes.connect(keepAlive: 65_535)).first?.contains("serverKeepAlive=2400") == true)
        #expect(long.session.keepAlive == .clientPings(within: .seconds(3_600)))
        var old = MQTTDriver(.v311)
        _ = old.send(Bytes.connect(.v311, keepAlive: 65_535))
        #expect(old.session.keepAlive == .clientPings(within: .milliseconds(98_302_500)))
        #expect(client.send([0xC0, 0]) == ["PINGRESP"])
    }

    @Test("a client's own name is its identifier among those of its user, once it is connected (§3.1.4)")
    func names() {
        var client = MQTTDriver(requestToken: "t")
        var claims = ConnectClaims()
        claims.user = "u"
        client.tokens = ["t": claims]
        #expect(client.session.ownName == nil)
        _ = client.send(Bytes.connect(id: "me"))
        #expect(client.session.ownName == "+u\0me")
        var other = MQTTDriver()
        _ = other.send(Bytes.connect(id: ""))
        #expect(other.session.ownName == nil)
        // A token may name no user: who has none at all does not take its place.
        claims.user = ""
        var (nameless, nobody) = (MQTTDriver(requestToken: "t"), MQTTDriver())
        nameless.tokens = ["t": claims]
        _ = nameless.send(Bytes.connect(id: "me"))
        _ = nobody.send(Bytes.connect(id: "me"))
        #expect(nameless.session.ownName == "+\0me" && nobody.session.ownName == "-\0me")
    }

    @Test(
        "a second CONNECT, text messages and broken packets end the client, which is told why in version 5 (§4.13)",
        arguments: MQTTVersion.allCases)
    func mistakes(version: MQTTVersion) {
        func outcome(_ bytes: [UInt8], _ kind: Payload.Kind = .binary) -> ([String], Disconnect?) {
            var client = MQTTDriver.connected(version)
            let heard = client.send(bytes, kind)
            #expect(client.send([0xC0, 0]).isEmpty && client.session.farewells(.notAvailable).isEmpty)
            return (heard, client.end)
        }
        let isNew = version == .v5
        #expect(outcome(Bytes.connect(version)) == (isNew ? ["DISCONNECT 130"] : [], .badRequest))
        #expect(outcome([0xC0, 0], .text) == (isNew ? ["DISCONNECT 130"] : [], .unsupportedData))
        #expect(outcome([0xC1, 0]) == (isNew ? ["DISCONNECT 129"] : [], .badRequest))
        #expect(outcome([0x30, 0xFF, 0x7F]) == (isNew ? ["DISCONNECT 149"] : [], .messageTooBig))
        #expect(outcome([0xE0, 0]) == ([], .normal))
    }

    @Test("more packets in one message than may be end the client, in two messages they don't")
    func manyPackets() {
        var client = MQTTDriver(.v5, packets: 3)
        #expect(client.send(Bytes.connect() + [0xC0, 0, 0xC0, 0]).count == 3)
        #expect(client.send([0xC0, 0, 0xC0, 0, 0xC0, 0]).count == 3)
        #expect(client.send([0xC0, 0, 0xC0, 0, 0xC0, 0, 0xC0, 0]).last == "DISCONNECT 151")
    }

    @Test("the node's own ends are said with their reasons in version 5, and not at all in 3.1.1 (§3.14)")
    func farewells() {
        let client = MQTTDriver.connected()
        func words(_ disconnect: Disconnect) -> [String] {
            client.session.farewells(disconnect).map { MQTTHeard.text($0.bytes, .v5) }
        }
        #expect(words(.serviceRestart) == ["DISCONNECT 139"] && words(.slow) == ["DISCONNECT 151"])
        #expect(words(.noPong) == ["DISCONNECT 141"] && words(.expired) == ["DISCONNECT 160"])
        #expect(words(.takenOver) == ["DISCONNECT 142"])
        #expect(words(.forced) == ["DISCONNECT 152"] && words(.normal).isEmpty)
        #expect(MQTTDriver.connected(.v311).session.farewells(.serviceRestart).isEmpty)
        #expect(MQTTDriver().session.farewells(.stale).isEmpty)
    }

    @Test("DISCONNECT can't make a session last that did not (§3.14.2.2.2)")
    func expiry() {
        var client = MQTTDriver.connected()
        #expect(client.send(Bytes.packet(0xE0, [0, 5, 0x11, 0, 0, 0, 1])) == ["DISCONNECT 130"])
        var other = MQTTDriver.connected(properties: [0x11, 0, 0, 0, 9])
        #expect(other.send(Bytes.packet(0xE0, [0, 5, 0x11, 0, 0, 0, 1])).isEmpty && other.end == .normal)
    }

    // MARK: PUBLISH

    @Test(
        "QoS 0 has no answer, QoS 1 PUBACK when the broker has it, QoS 2 PUBREC then, and PUBCOMP for PUBREL (§4.3)",
        arguments: MQTTVersion.allCases)
    func qos(version: MQTTVersion) {
        var client = MQTTDriver.connected(version)
        let none = client.properties()
        #expect(client.send(Bytes.publish("a", "x", properties: none)).isEmpty && client.published().isEmpty)
        #expect(client.send(Bytes.publish("a", "x", flags: 2, id: 7, properties: none)).isEmpty)
        #expect(client.published() == ["PUBACK 7 0"])
        #expect(client.send(Bytes.publish("a", "x", flags: 4, id: 7, properties: none)).isEmpty)
        // The same again before its outcome and after it: published once.
        #expect(client.send(Bytes.publish("a", "x", flags: 12, id: 7, properties: none)).isEmpty)
        #expect(client.asked.count == 1 && client.published() == ["PUBREC 7 0"])
        #expect(client.send(Bytes.publish("a", "x", flags: 12, id: 7, properties: none)) == ["PUBREC 7 0"])
        #expect(client.asked.isEmpty)
        #expect(client.send([0x62, 2, 0, 7]) == ["PUBCOMP 7 0"])
        #expect(client.send([0x62, 2, 0, 7]) == [version == .v5 ? "PUBCOMP 7 146" : "PUBCOMP 7 0"])
        // The id is free.
        #expect(client.send(Bytes.publish("a", "y", flags: 4, id: 7, properties: none)).isEmpty)
        #expect(client.asked.count == 1)
    }

    @Test("what the broker does not take is said where there is a code for it; 3.1.1 comes back and sends it again")
    func failures() {
        for (flags, heard): (UInt8, String) in [(2, "PUBACK 1 128"), (4, "PUBREC 1 128")] {
            var client = MQTTDriver.connected()
            _ = client.send(Bytes.publish("a", "x", flags: flags, id: 1))
            #expect(client.published(.failure(.unavailable)) == [heard] && client.end == nil)
            // Its id is free again.
            _ = client.send(Bytes.publish("a", "x", flags: flags, id: 1))
            #expect(client.asked.count == 1)
            var old = MQTTDriver.connected(.v311)
            _ = old.send(Bytes.publish("a", "x", flags: flags, id: 1, properties: nil))
            #expect(old.published(.failure(.unavailable)).isEmpty && old.end == .tryAgainLater)
        }
        var client = MQTTDriver.connected()
        _ = client.send(Bytes.publish("a", "x"))
        #expect(client.published(.failure(.unavailable)).isEmpty && client.end == nil, "at most once")
    }

    @Test(
        "a publication that is refused: by its acknowledgement in version 5, else by the end; none in silence (§4.13)")
    func refusedPublications() {
        var rules = ChannelRules()
        rules.publish = .nobody
        rules.maxMessageBytes = 5
        let cases: [(topic: String, payload: String, flags: UInt8, properties: [UInt8], code: UInt8)] = [
            ("a b", "", 0, [], 0x90), ("a%41", "", 0, [], 0x90), ("other:1", "", 0, [], 0x90),
            ("no:1", "", 0, [], 0x87),
            ("a", "x", 1, [], 0x9A), ("big:1", "123456", 0, [], 0x97),
            ("a", "", 0, [0x26] + Bytes.text("k") + Bytes.text("") + [0x26] + Bytes.text("k") + Bytes.text(""), 0x83),
            ("a", String(repeating: "[", count: 300) + String(repeating: "]", count: 300), 0, [], 0x83),
        ]
        var big = ChannelRules()
        big.maxMessageBytes = 5
        for (topic, payload, flags, properties, code) in cases {
            func client(_ version: MQTTVersion) -> MQTTDriver {
                MQTTDriver.connected(version, ChannelRules(), ["no": rules, "big": big])
            }
            var first = client(.v5)
            #expect(
                first.send(Bytes.publish(topic, payload, flags: flags, properties: properties)) == [
                    "DISCONNECT \(code)"
                ], "\(topic)")
            #expect(first.end != nil && first.asked.isEmpty)
            var second = client(.v5)
            let isOfAcknowledgement = code != 0x9A
            #expect(
                second.send(Bytes.publish(topic, payload, flags: flags | 2, id: 9, properties: properties))
                    == [isOfAcknowledgement ? "PUBACK 9 \(code)" : "DISCONNECT \(code)"])
            var third = client(.v5)
            #expect(
                third.send(Bytes.publish(topic, payload, flags: flags | 4, id: 9, properties: properties)).first
                    == (isOfAcknowledgement ? "PUBREC 9 \(code)" : "DISCONNECT \(code)"))
            guard properties.isEmpty else { continue }
            var old = client(.v311)
            #expect(
                old.send(Bytes.publish(topic, payload, flags: flags | 2, id: 9, properties: nil)).isEmpty
                    && old.end != nil)
        }
        var client = MQTTDriver.connected()
        #expect(
            client.send(Bytes.packet(0x32, Bytes.text("a") + [0, 1, 2, 1, 1, 0xFF])) == ["PUBACK 1 153"], "no UTF-8")
    }

    @Test("payloads are text where they are UTF-8, and properties are tags")
    func payloads() {
        var client = MQTTDriver.connected()
        _ = client.send(
            Bytes.publish("a", "é", properties: [0x03] + Bytes.text("t/x") + [0x26] + Bytes.text("k") + Bytes.text("v"))
        )
        _ = client.send(Bytes.packet(0x30, Bytes.text("a") + [0, 0xFF]))
        guard case .publish(let channel, let payload, let tags, _)? = client.asked.first else {
            Issue.record("nothing was published")
            return
        }
        #expect(channel.string == "a" && payload == Payload(text: "é"))
        #expect(tags["content-type"] == "t/x" && tags["k"] == "v" && tags.count == 2)
        guard case .publish(_, let binary, _, _)? = client.asked.last else { return }
        #expect(binary == Payload(kind: .binary, bytes: ByteBuffer(bytes: [0xFF])))
    }

    @Test(
        "topic aliases stand for a topic until they stand for another; above the maximum 0x94, unknown 0x82 (§3.3.2.3.4)"
    )
    func aliases() {
        var client = MQTTDriver.connected()
        func channel() -> String? {
            if case .publish(let channel, _, _, _)? = client.asked.last { channel.string } else { nil }
        }
        _ = client.send(Bytes.publish("a", properties: [0x23, 0, 16]))
        #expect(channel() == "a")
        _ = client.send(Bytes.publish("b", properties: [0x23, 0, 16]))
        _ = client.send(Bytes.publish("", properties: [0x23, 0, 16]))
        #expect(client.asked.count == 3 && channel() == "b")
        #expect(client.send(Bytes.publish("", properties: [0x23, 0, 1])) == ["DISCONNECT 130"])
        var other = MQTTDriver.connected()
        #expect(other.send(Bytes.publish("a", properties: [0x23, 0, 17])) == ["DISCONNECT 148"])
    }

    @Test("not more than the receive maximum is in flight (§3.3.4); 3.1.1 has a bound of its own")
    func receiveMaximum() {
        var client = MQTTDriver.connected()
        for id in 1...UInt16(MQTTBounds.receiveMaximum) {
            #expect(client.send(Bytes.publish("a", flags: id % 2 == 0 ? 2 : 4, id: id)).isEmpty)
        }
        #expect(client.send(Bytes.publish("a", flags: 2, id: 1_000)) == ["DISCONNECT 147"])
        var old = MQTTDriver.connected(.v311)
        for id in 1...UInt16(MQTTBounds.unreleased) {
            _ = old.send(Bytes.publish("a", flags: 4, id: id, properties: nil))
        }
        #expect(old.end == nil)
        _ = old.send(Bytes.publish("a", flags: 4, id: 5_000, properties: nil))
        #expect(old.end == .policyViolation)
    }

    // MARK: SUBSCRIBE

    @Test(
        "SUBACK has a code for each filter, in their order: QoS 0 or why not (§3.9.3)", arguments: MQTTVersion.allCases)
    func subscribe(version: MQTTVersion) throws {
        var rules = ChannelRules()
        rules.subscribe = .nobody
        var client = MQTTDriver.connected(version, ChannelRules(), ["no": rules], channels: 2)
        client.failing = ["broken"]
        let filters: [(String, UInt8)] = [
            ("a", 2), ("a/#", 0), ("+", 0), ("a#", 0), ("$share/g/a", 0), ("x y", 0), ("other:1", 0), ("no:1", 0),
            ("broken", 0), ("b", 1), ("c", 0), ("a", 0),
        ]
        let codes = [0, 0xA2, 0xA2, 0x8F, 0x9E, 0x8F, 0x8F, 0x87, 0x80, 0, 0x97, 0]
        #expect(
            client.send(Bytes.subscribe(filters, id: 3, properties: client.properties()))
                == ["SUBACK 3 \(version == .v5 ? codes : codes.map { $0 < 0x80 ? $0 : 0x80 })"])
        #expect(client.joined.count == 2)
        #expect(try client.publish("a", "x") == ["PUBLISH a x"])
        #expect(
            client.send(Bytes.unsubscribe(["a", "a", "a#", "b"], id: 4, properties: client.properties()))
                == ["UNSUBACK 4 \(version == .v5 ? [0, 0x11, 0x8F, 0] : [])"])
        #expect(client.joined.isEmpty && client.session.subscriptions.isEmpty)
        #expect(try client.publish("a", "x").isEmpty)
    }

    @Test("SUBACK waits for the hub; an id that waits is in use; UNSUBSCRIBE before the answer is answered behind it")
    func waiting() {
        var client = MQTTDriver.connected()
        client.holds = true
        #expect(client.send(Bytes.subscribe([("a", 0), ("b", 0)], id: 3)).isEmpty)
        #expect(client.send(Bytes.subscribe([("c", 0)], id: 3)) == ["SUBACK 3 [145]"])
        #expect(client.send(Bytes.unsubscribe(["a"], id: 4)) == ["UNSUBACK 4 [0]"])
        #expect(client.release() == ["SUBACK 3 [0, 0]"])
        #expect(client.session.waiting.isEmpty && client.session.subscriptions.count == 1)
    }

    @Test(
        "one that is subscribed to again by another SUBSCRIBE while it waits has its answer with the first",
        arguments: [[UInt8](), [0x0B, 1]])
    func twice(properties: [UInt8]) {
        var client = MQTTDriver.connected()
        client.holds = true
        #expect(client.send(Bytes.subscribe([("a", 0)], id: 3)).isEmpty)
        let heard = client.send(Bytes.subscribe([("a", 0)], id: 4, properties: properties))
        #expect(heard == (properties.isEmpty ? ["SUBACK 4 [0]"] : ["SUBACK 3 [0]"]))
        #expect(client.release() == (properties.isEmpty ? ["SUBACK 3 [0]"] : ["SUBACK 4 [0]"]))
        #expect(client.session.waiting.isEmpty && client.session.subscriptions.count == 1)
    }

    @Test("a subscription that is replaced again and again before it is in force leaves none behind in the hub")
    func replacedBeforeItBegins() {
        var client = MQTTDriver.connected()
        client.holds = true
        for (id, properties) in [(3, [UInt8]()), (4, [0x0B, 5]), (5, []), (6, [0x0B, 1]), (7, [])] {
            _ = client.send(Bytes.subscribe([("a", 0)], id: UInt16(id), properties: properties))
        }
        _ = client.release()
        #expect(client.joined.count == 1)
        #expect(client.send(Bytes.unsubscribe(["a", "a", "b"], id: 8)) == ["UNSUBACK 8 [0, 17, 17]"])
        #expect(client.joined == [])
    }

    @Test(
        "the retained message is the channel's newest, by Retain Handling; an empty or expired one is none (§3.3.1.3)")
    func retained() throws {
        func start(_ text: String, _ tags: [PublicationTags.Tag] = [], at: UInt64 = 90_000_000) throws
            -> SubscriptionStart
        {
            SubscriptionStart(
                position: StreamPosition(offset: 3, epoch: "e"),
                publications: [
                    Publication(
                        channel: try ChannelName("room:1"), payload: Payload(text: text), publishedAt: at,
                        position: StreamPosition(offset: 3, epoch: "e"),
                        metadata: PublicationMetadata(tags: try PublicationTags(tags)))
                ])
        }
        func heard(_ start: SubscriptionStart, _ options: UInt8 = 0, properties: [UInt8] = []) -> [String] {
            var client = MQTTDriver.connected(.v5, ChannelRules(), ["room": MQTTDriver.cache])
            client.starts["room:1"] = start
            return client.send(Bytes.subscribe([("room:1", options)], properties: properties))
        }
        #expect(try heard(start("now")) == ["SUBACK 1 [0]", "PUBLISH retained room:1 now"])
        #expect(try heard(start("now"), 0x10) == ["SUBACK 1 [0]", "PUBLISH retained room:1 now"])
        #expect(try heard(start("now"), 0x20) == ["SUBACK 1 [0]"])
        #expect(try heard(start("")) == ["SUBACK 1 [0]"])
        let expiry = [PublicationTags.Tag(name: "message-expiry", value: "15")]
        #expect(
            try heard(start("now", expiry)) == ["SUBACK 1 [0]", "PUBLISH retained room:1 messageExpiryInterval=5 now"])
        #expect(try heard(start("now", expiry, at: 85_000_000)) == ["SUBACK 1 [0]"])
        #expect(
            try heard(start("now"), properties: [0x0B, 9])
                == ["SUBACK 1 [0]", "PUBLISH retained room:1 subscriptionIdentifier=9 now"])

        // Again with the same subscription: it is read, but not with Retain Handling 1.
        var client = MQTTDriver.connected(.v5, ChannelRules(), ["room": MQTTDriver.cache])
        _ = client.send(Bytes.subscribe([("room:1", 0)]))
        #expect(client.send(Bytes.subscribe([("room:1", 0x10)])) == ["SUBACK 1 [0]"] && client.asked.isEmpty)
        #expect(client.send(Bytes.subscribe([("room:1", 0)])) == ["SUBACK 1 [0]"])
        guard case .history(_, _, let id)? = client.asked.popLast() else {
            Issue.record("nothing is read")
            return
        }
        let page = HistoryPage(
            publications: try start("now").publications, position: StreamPosition(offset: 3, epoch: "e"))
        #expect(client.answer { $0.read(id: id, .success(page)) } == ["PUBLISH retained room:1 now"])
        #expect(client.joined.count == 1)
        // Publishing with RETAIN is publishing there.
        #expect(
            client.send(Bytes.publish("room:1", "x", flags: 3, id: 5)).isEmpty && client.published() == ["PUBACK 5 0"])
    }

    @Test("a subscription identifier comes with each message, also when it changes (§3.8.2.1.2)")
    func identifiers() throws {
        var client = MQTTDriver.connected()
        #expect(client.send(Bytes.subscribe([("a", 0)], properties: [0x0B, 0x80, 0x01])) == ["SUBACK 1 [0]"])
        let tag = PublicationTags.Tag(name: "k", value: "v")
        #expect(
            try client.publish("a", "x", tags: [tag]) == ["PUBLISH a subscriptionIdentifier=128 userProperty=k:v x"])
        _ = client.send(Bytes.subscribe([("a", 0)], properties: [0x0B, 2]))
        #expect(try client.publish("a", "x") == ["PUBLISH a subscriptionIdentifier=2 x"])
        // Without one it is the packet that all share: one subscription ends when the other is in force.
        _ = client.send(Bytes.subscribe([("a", 0)]))
        #expect(client.joined.count == 1)
        #expect(try client.publish("a", "x") == ["PUBLISH a x"])
    }

    @Test("No Local: what a client publishes to such a channel goes to others (§3.8.3.1)")
    func noLocal() {
        var client = MQTTDriver.connected()
        _ = client.send(Bytes.subscribe([("a", 4), ("b", 0)]))
        _ = client.send(Bytes.publish("a", "x") + Bytes.publish("b", "y", flags: 2, id: 1))
        guard case .publishToOthers(let channel, _, _, _)? = client.asked.first else {
            Issue.record("to all: \(client.asked)")
            return
        }
        #expect(channel.string == "a" && client.asked.count == 2)
        if case .publish = client.asked[1] {} else { Issue.record("not to all: \(client.asked)") }
        #expect(client.published().isEmpty && client.published() == ["PUBACK 1 0"])
    }

    @Test("a message above what the client takes is dropped, and an answer above it ends the client (§3.1.2.11.4)")
    func clientLimit() throws {
        var client = MQTTDriver.connected(properties: [0x27, 0, 0, 0, 60])
        #expect(client.send(Bytes.subscribe([("a", 0)])) == ["SUBACK 1 [0]"])
        // Head, length, topic, length of properties.
        #expect(try client.publish("a", String(repeating: "x", count: 54)).count == 1)
        #expect(try client.publish("a", String(repeating: "x", count: 55)).isEmpty)
        let filters = Array(repeating: ("a b", UInt8(0)), count: 60)
        #expect(client.send(Bytes.subscribe(filters)) == ["DISCONNECT 149"] && client.end == .messageTooBig)
    }

    @Test("channels that the token names may be subscribed to; a backend's unsubscribe ends what there is of a channel")
    func grants() throws {
        var rules = ChannelRules()
        rules.subscribe = .nobody
        var claims = ConnectClaims()
        claims.subscriptions = [ServerSubscription(channel: "$me")]
        var client = MQTTDriver(.v5, rules, permissions: .none)
        client.tokens = ["t": claims]
        _ = client.send(Bytes.connect(flags: 0xC2, Bytes.text("") + Bytes.text("t")))
        #expect(client.send(Bytes.subscribe([("$me", 0), ("$you", 0)])) == ["SUBACK 1 [0, 135]"])
        let channel = try ChannelName("$me")
        guard case .done(let action) = client.session.unsubscribe(channel) else {
            Issue.record("it had none")
            return
        }
        #expect(client.answer { _ in action }.isEmpty && client.joined.isEmpty)
    }
}
