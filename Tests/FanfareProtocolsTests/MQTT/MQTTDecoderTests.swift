import FanfareWire
import NIOCore
import Testing

@testable import FanfareProtocols

/// Sections are those of MQTT 5.0; of 3.1.1 where it says so.
@Suite("MQTT packets, field by field")
struct MQTTDecoderTests {
    private typealias Bytes = MQTTBytes

    // MARK: The first byte

    @Test(
        "every packet with each of the sixteen flags: only those of Table 2-2 are taken",
        arguments: MQTTVersion.allCases)
    func flags(version: MQTTVersion) {
        let none: [UInt8]? = version == .v5 ? [] : nil
        let right: [UInt8: Set<UInt8>] = [
            3: [0, 1, 2, 3, 4, 5, 10, 11, 12, 13], 4: [0], 5: [0], 6: [2], 7: [0], 8: [2], 10: [2], 12: [0], 14: [0],
            15: version == .v5 ? [0] : [],
        ]
        for type: UInt8 in 0...15 where type != 1 {
            for flags: UInt8 in 0...15 {
                let first = type << 4 | flags
                let bytes: [UInt8] =
                    switch type {
                    case 3: Bytes.publish("a", flags: flags, id: flags & 6 == 0 ? nil : 1, properties: none)
                    case 4...7: [first, 2, 0, 1]
                    case 8: [first] + Bytes.subscribe([("a", 0)], properties: none).dropFirst()
                    case 10: [first] + Bytes.unsubscribe(["a"], properties: none).dropFirst()
                    case 15: [first, 2, 0x18, 0]
                    default: [first, 0]
                    }
                let expected: MQTTReason? =
                    switch type {
                    case 2, 9, 11, 13: .protocolError
                    default: right[type]?.contains(flags) == true ? nil : .malformedPacket
                    }
                #expect(Bytes.reason(bytes, connected: version) == expected, "type \(type), flags \(flags)")
            }
        }
        for flags: UInt8 in 1...15 {
            #expect(Bytes.reason([0x10 | flags], connected: nil) == .malformedPacket)
        }
    }

    @Test("packets that have one length have no other", arguments: MQTTVersion.allCases)
    func fixedLengths(version: MQTTVersion) {
        #expect(Bytes.reason([0xC0, 1, 0], connected: version) == .malformedPacket)
        for first: UInt8 in [0x40, 0x50, 0x62, 0x70] {
            #expect(Bytes.reason([first, 1, 0], connected: version) == .malformedPacket)
            #expect(Bytes.reason([first, 3, 0, 1, 0], connected: version) == (version == .v5 ? nil : .malformedPacket))
            #expect(Bytes.reason([first, 2, 0, 0], connected: version) == .protocolError, "packet identifier 0")
        }
        #expect(Bytes.reason([0xE0, 1, 0], connected: version) == (version == .v5 ? nil : .malformedPacket))
    }

    // MARK: Properties

    /// Table 2-4: number, a value, and where it may be; 0 is the will.
    private static let table: [(id: UInt8, value: [UInt8], places: Set<UInt8>)] = [
        (0x01, [1], [3, 0]), (0x02, [0, 0, 0, 1], [3, 0]), (0x03, Bytes.text("t"), [3, 0]),
        (0x08, Bytes.text("t"), [3, 0]), (0x09, Bytes.data([0, 255]), [3, 0]), (0x0B, [1], [3, 8]),
        (0x11, [0, 0, 0, 1], [1, 14]), (0x12, Bytes.text("t"), []), (0x13, [0, 1], []),
        (0x15, Bytes.text("t"), [1, 15]), (0x16, Bytes.data([1]), [1, 15]), (0x17, [1], [1]),
        (0x18, [0, 0, 0, 1], [0]), (0x19, [1], [1]), (0x1A, Bytes.text("t"), []), (0x1C, Bytes.text("t"), [14]),
        (0x1F, Bytes.text("t"), [4, 5, 6, 7, 14, 15]), (0x21, [0, 1], [1]), (0x22, [0, 1], [1]), (0x23, [0, 1], [3]),
        (0x24, [1], []), (0x25, [1], []),
        (0x26, Bytes.text("k") + Bytes.text("v"), [0, 1, 3, 4, 5, 6, 7, 8, 10, 14, 15]),
        (0x27, [0, 0, 1, 0], [1]), (0x28, [1], []), (0x29, [1], []), (0x2A, [1], []),
    ]

    /// A packet of that kind with these properties; 0: a CONNECT with a will that has them.
    private static func packet(_ place: UInt8, _ properties: [UInt8]) -> [UInt8] {
        let bytes = Bytes.data5(properties)
        return switch place {
        case 0: Bytes.connect(flags: 0x06, bytes + Bytes.text("w") + Bytes.data([1]))
        case 1: Bytes.connect(properties: properties)
        case 3: Bytes.publish("a", properties: properties)
        case 4, 5, 7: Bytes.packet(place << 4, [0, 1, 0] + bytes)
        case 6: Bytes.packet(0x62, [0, 1, 0] + bytes)
        case 8: Bytes.subscribe([("a", 0)], properties: properties)
        case 10: Bytes.unsubscribe(["a"], properties: properties)
        case 14: Bytes.packet(0xE0, [0] + bytes)
        default: Bytes.packet(0xF0, [0x18] + bytes)
        }
    }

    @Test("every property in every packet: 0x81 where it does not belong, 0x82 twice, and cut anywhere 0x81 (§2.2.2.2)")
    func properties() {
        #expect(Set(Self.table.map(\.id)) == Set(MQTTPropertyID.allCases.map(\.rawValue)))
        for place: UInt8 in [0, 1, 3, 4, 5, 6, 7, 8, 10, 14, 15] {
            let version: MQTTVersion? = place <= 1 ? nil : .v5
            for (id, value, places) in Self.table {
                // What stands alone nowhere: data need a method.
                let before = id == 0x16 && place == 1 ? [0x15] + Bytes.text("m") : []
                let property = [id] + value
                let isOfServer = id == 0x0B && place == 3 || id == 0x1C && place == 14
                let expected: MQTTReason? =
                    places.contains(place) ? (isOfServer ? .protocolError : nil) : .malformedPacket
                let bytes = Self.packet(place, before + property)
                #expect(Bytes.reason(bytes, connected: version) == expected, "property \(id) in \(place)")
                guard expected == nil else { continue }
                let twice = Bytes.reason(Self.packet(place, before + property + property), connected: version)
                #expect(twice == (id == 0x26 ? nil : .protocolError), "property \(id) twice in \(place)")
                for count in 1..<property.count {
                    let cut = Self.packet(place, before + property.prefix(count))
                    #expect(Bytes.reason(cut, connected: version) == .malformedPacket, "property \(id) cut in \(place)")
                }
            }
            for id: UInt8 in [0, 4, 0x0A, 0x14, 0x20, 0x2B, 0x7F, 0xFF] {
                #expect(Bytes.reason(Self.packet(place, [id, 1]), connected: version) == .malformedPacket)
            }
        }
    }

    @Test("values that no property may have: 0x82, and 0x94 for a topic alias of 0")
    func values() {
        for id: UInt8 in [0x17, 0x19] {
            #expect(Bytes.reason(Self.packet(1, [id, 2]), connected: nil) == .protocolError)
        }
        #expect(Bytes.reason(Self.packet(3, [0x01, 2])) == .protocolError)
        #expect(Bytes.reason(Self.packet(1, [0x21, 0, 0]), connected: nil) == .protocolError)
        #expect(Bytes.reason(Self.packet(1, [0x27, 0, 0, 0, 0]), connected: nil) == .protocolError)
        #expect(Bytes.reason(Self.packet(8, [0x0B, 0])) == .protocolError)
        #expect(Bytes.reason(Self.packet(3, [0x23, 0, 0])) == .topicAliasInvalid)
        #expect(Bytes.reason(Self.packet(1, [0x16, 0, 1, 1]), connected: nil) == .protocolError)
        for topic in ["", "a/#", "+"] {
            #expect(Bytes.reason(Self.packet(3, [0x08] + Bytes.text(topic))) == .protocolError)
        }
        let many = Array(repeating: [0x26, 0, 0, 0, 0] as [UInt8], count: MQTTBounds.userProperties + 1)
        #expect(Bytes.reason(Self.packet(3, Array(many.joined()))) == .quotaExceeded)
    }

    @Test("properties come as they were sent, in their order")
    func order() throws {
        let properties: [UInt8] =
            [0x26] + Bytes.text("b") + Bytes.text("1") + [0x01, 1, 0x02, 0, 0, 1, 0, 0x26] + Bytes.text("a")
            + Bytes.text("é")
            + [0x09, 0, 2, 0, 255]
        guard case .publish(let publish)? = Bytes.read(Self.packet(3, properties)).packets.first else {
            Issue.record("no PUBLISH")
            return
        }
        #expect(
            publish.properties.users.map(\.name) == ["b", "a"] && publish.properties.users.map(\.value) == ["1", "é"])
        #expect(publish.properties.number(.payloadFormatIndicator) == 1)
        #expect(publish.properties.number(.messageExpiryInterval) == 256)
        #expect(publish.properties.bytes(.correlationData) == [0, 255])
        var again = ByteBuffer()
        publish.properties.write(into: &again)
        #expect(Array(buffer: again) == properties && publish.properties.size == properties.count)
    }

    // MARK: Texts

    @Test("texts are UTF-8 without U+0000, surrogates and overlong forms; control characters are taken (§1.5.4)")
    func texts() {
        let bad: [[UInt8]] = [
            [0], [0x61, 0], [0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80],
            [0xFF],
        ]
        for bytes in bad {
            #expect(Bytes.reason(Bytes.packet(0x30, Bytes.data(bytes) + [0])) == .malformedPacket)
            #expect(Bytes.reason(Bytes.packet(0x82, [0, 1, 0] + Bytes.data(bytes) + [0])) == .malformedPacket)
            #expect(Bytes.reason(Self.packet(3, [0x03] + Bytes.data(bytes))) == .malformedPacket)
            #expect(Bytes.reason(Bytes.packet(0x30, Bytes.data(bytes)), connected: .v311) == .malformedPacket)
        }
        for text in ["\u{1}", "\u{7F}", "\u{FEFF}a", "\u{FFFF}", "日本"] {
            guard case .publish(let publish)? = Bytes.read(Bytes.publish(text)).packets.first else {
                Issue.record("no PUBLISH")
                continue
            }
            #expect(publish.topic == ExactText(text), "nothing is skipped, a BOM neither")
        }
    }

    // MARK: CONNECT

    @Test("CONNECT is read with all it has, in both versions", arguments: MQTTVersion.allCases)
    func connect(version: MQTTVersion) {
        let will = (version == .v5 ? Bytes.data5([0x18, 0, 0, 0, 5]) : []) + Bytes.text("w") + Bytes.data([1, 2])
        let bytes = Bytes.connect(
            version, flags: 0xEE, keepAlive: 300, properties: [0x21, 0, 7], id: "me",
            will + Bytes.text("user") + Bytes.data([0, 255]))
        guard case .connect(let connect)? = Bytes.read(bytes, connected: nil).packets.first else {
            Issue.record("no CONNECT: \(String(describing: Bytes.read(bytes, connected: nil).error))")
            return
        }
        #expect(
            connect.version == version && connect.isCleanStart && connect.keepAlive == 300 && connect.clientID == "me")
        #expect(connect.will?.topic == "w" && connect.will?.qos == .atLeastOnce && connect.will?.isRetained == true)
        #expect(connect.will?.properties.number(.willDelayInterval) == (version == .v5 ? 5 : nil))
        #expect(connect.userName == "user" && connect.password == ByteBuffer(bytes: [0, 255]))
        #expect(connect.properties.number(.receiveMaximum) == (version == .v5 ? 7 : nil))
    }

    @Test(
        "each of CONNECT's 256 flags: reserved bit, will without its bit, QoS 3, password without user name (§3.1.2)",
        arguments: MQTTVersion.allCases)
    func connectFlags(version: MQTTVersion) {
        for flags in UInt8.min...UInt8.max {
            let (hasWill, hasUser, hasPassword) = (flags & 4 != 0, flags & 0x80 != 0, flags & 0x40 != 0)
            var rest: [UInt8] = []
            if hasWill { rest += (version == .v5 ? [0] : []) + Bytes.text("w") + Bytes.data([]) }
            if hasUser { rest += Bytes.text("u") }
            if hasPassword { rest += Bytes.data([1]) }
            let isWrong =
                flags & 1 != 0 || flags & 0x18 == 0x18 || !hasWill && flags & 0x38 != 0
                || version == .v311 && hasPassword && !hasUser
            #expect(
                Bytes.reason(Bytes.connect(version, flags: flags, rest), connected: nil)
                    == (isWrong ? .malformedPacket : nil), "flags \(flags)")
        }
    }

    @Test(
        "a name or level that is not spoken here: the answer has the form of a version that the client may know (§3.1.2.2)"
    )
    func versions() {
        func outcome(_ name: String, _ level: UInt8) -> (MQTTReason?, MQTTVersion?) {
            var reader = MQTTReader(maxPacketBytes: 100)
            reader.feed(
                ByteBuffer(bytes: Bytes.packet(0x10, Bytes.text(name) + [level, 2, 0, 0, 0] + Bytes.text("c"))))
            do throws(MQTTError) {
                _ = try reader.next()
                return (nil, reader.version)
            } catch {
                return (error.reason, reader.version)
            }
        }
        #expect(outcome("MQIsdp", 3) == (.unsupportedProtocolVersion, .v311))
        #expect(outcome("MQTT", 3) == (.unsupportedProtocolVersion, .v311))
        #expect(outcome("MQTT", 6) == (.unsupportedProtocolVersion, .v5))
        #expect(outcome("mqtt", 4) == (.protocolError, nil))
        #expect(outcome("AMQP", 5) == (.protocolError, nil))
        #expect(outcome("MQTT", 5) == (nil, .v5))
    }

    @Test("a packet cut anywhere or with a byte too many is malformed", arguments: MQTTVersion.allCases)
    func wholeness(version: MQTTVersion) {
        let none: [UInt8]? = version == .v5 ? [] : nil
        let will = (version == .v5 ? [0] : []) + Bytes.text("w") + Bytes.data([1])
        let packets: [([UInt8], isConnect: Bool)] = [
            (Bytes.connect(version, flags: 0xC6, will + Bytes.text("u") + Bytes.data([1])), true),
            (Bytes.subscribe([("abc", 0)], properties: none), false),
            (Bytes.unsubscribe(["abc"], properties: none), false),
            (Bytes.publish("abc", flags: 2, id: 1, properties: none), false),
        ]
        for (bytes, isConnect) in packets {
            let (first, body) = (bytes[0], Array(bytes.dropFirst(2)))
            for count in 0..<body.count {
                let reason = Bytes.reason(
                    Bytes.packet(first, Array(body.prefix(count))), connected: isConnect ? nil : version)
                // A list may be empty by its length alone.
                let isEmptyList = reason == .protocolError && (first == 0x82 || first == 0xA2)
                #expect(reason == .malformedPacket || isEmptyList, "\(first) with \(count) of \(body.count) bytes")
            }
            guard first != 0x32 else { continue }
            #expect(
                Bytes.reason(Bytes.packet(first, body + [0]), connected: isConnect ? nil : version) == .malformedPacket)
        }
    }

    // MARK: PUBLISH, SUBSCRIBE, UNSUBSCRIBE

    @Test("a topic name has no wildcards, and is empty only with an alias (§3.3.2.1)")
    func topics() {
        for topic in ["#", "a/#", "+", "a+b"] {
            #expect(Bytes.reason(Bytes.publish(topic)) == .malformedPacket)
            #expect(Bytes.reason(Bytes.publish(topic, properties: nil), connected: .v311) == .malformedPacket)
        }
        #expect(Bytes.reason(Bytes.publish("")) == .protocolError)
        #expect(Bytes.reason(Bytes.publish("", properties: nil), connected: .v311) == .malformedPacket)
        #expect(Bytes.reason(Bytes.publish("", properties: [0x23, 0, 1])) == nil)
        #expect(Bytes.reason(Bytes.publish("a", flags: 2, id: 0)) == .protocolError)
        #expect(Bytes.reason(Bytes.publish("a", flags: 4, id: 0, properties: nil), connected: .v311) == .protocolError)
    }

    @Test("each of the 256 options of a subscription, in both versions (§3.8.3.1)", arguments: MQTTVersion.allCases)
    func options(version: MQTTVersion) {
        for options in UInt8.min...UInt8.max {
            let bytes = Bytes.subscribe([("a", options)], properties: version == .v5 ? [] : nil)
            let expected: MQTTReason? =
                switch version {
                case .v5:
                    options & 0xC0 != 0
                        ? .malformedPacket : options & 3 == 3 || options & 0x30 == 0x30 ? .protocolError : nil
                case .v311: options & 0xFC != 0 || options & 3 == 3 ? .malformedPacket : nil
                }
            let (packets, error) = Bytes.read(bytes, connected: version)
            #expect(error?.reason == expected, "options \(options)")
            guard expected == nil, case .subscribe(let subscribe)? = packets.first else { continue }
            let filter = subscribe.filters[0]
            #expect(filter.qos.rawValue == options & 3 && filter.isNoLocal == (options & 4 != 0))
            #expect(filter.isRetainAsPublished == (options & 8 != 0))
            #expect(filter.retainHandling.rawValue == options >> 4)
        }
        #expect(Bytes.reason(Bytes.subscribe([("$share/a/b", 4)])) == .protocolError)
    }

    @Test(
        "lists have at least one filter, none is empty, and there are not more than the limit (§3.8.3)",
        arguments: MQTTVersion.allCases)
    func lists(version: MQTTVersion) {
        let none: [UInt8]? = version == .v5 ? [] : nil
        #expect(Bytes.reason(Bytes.subscribe([], properties: none), connected: version) == .protocolError)
        #expect(Bytes.reason(Bytes.unsubscribe([], properties: none), connected: version) == .protocolError)
        #expect(Bytes.reason(Bytes.subscribe([("", 0)], properties: none), connected: version) == .malformedPacket)
        #expect(
            Bytes.reason(Bytes.subscribe([("a", 0)], id: 0, properties: none), connected: version) == .protocolError)
        let many = Array(repeating: "a", count: MQTTBounds.filters)
        #expect(Bytes.reason(Bytes.unsubscribe(many, properties: none), connected: version) == nil)
        #expect(Bytes.reason(Bytes.unsubscribe(many + ["a"], properties: none), connected: version) == .quotaExceeded)
        #expect(
            Bytes.reason(Bytes.subscribe((many + ["a"]).map { ($0, 0) }, properties: none), connected: version)
                == .quotaExceeded)
    }

    @Test("each reason code in each packet of a client: 0x82 where it does not belong (§2.4)")
    func reasons() {
        let publication: Set<UInt8> = [0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]
        let right: [(UInt8, [UInt8], Set<UInt8>)] = [
            (0x40, [0, 1], publication), (0x50, [0, 1], publication), (0x62, [0, 1], [0, 0x92]),
            (0x70, [0, 1], [0, 0x92]), (0xF0, [], [0x18, 0x19]),
            (0xE0, [], [0, 4, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99]),
        ]
        for (first, head, codes) in right {
            for code in UInt8.min...UInt8.max {
                #expect(
                    Bytes.reason(Bytes.packet(first, head + [code])) == (codes.contains(code) ? nil : .protocolError),
                    "code \(code) in \(first)")
            }
        }
    }
}
