import FanfareWire
import NIOCore
import Testing

@testable import FanfareProtocols

@Suite("MQTT packets of the node")
struct MQTTWriterTests {
    private typealias Bytes = MQTTBytes

    private func bytes(_ body: Body?) -> [UInt8]? {
        #expect(body?.kind != .text)
        return body.map { Array(buffer: $0.bytes) }
    }

    @Test("CONNACK in both versions; 3.1.1 has five codes for what goes wrong, and none for the rest (§3.2)")
    func connack() {
        var properties = MQTTProperties()
        properties.append(.receiveMaximum, 128)
        properties.append(.assignedClientIdentifier, .text("ab"))
        #expect(
            bytes(MQTTWriter.connack(.v5, .success, properties))
                == [0x20, 11, 0, 0, 8, 0x21, 0, 128, 0x12, 0, 2, 0x61, 0x62])
        #expect(bytes(MQTTWriter.connack(.v311, .success, properties)) == [0x20, 2, 0, 0])
        let codes: [MQTTReason: UInt8] = [
            .unsupportedProtocolVersion: 1, .clientIdentifierNotValid: 2, .serverUnavailable: 3,
            .badUserNameOrPassword: 4, .notAuthorized: 5,
        ]
        for (reason, code) in codes {
            #expect(bytes(MQTTWriter.connack(.v311, reason, MQTTProperties())) == [0x20, 2, 0, code])
        }
        #expect(MQTTWriter.connack(.v311, .malformedPacket, MQTTProperties()) == nil)
    }

    @Test("acknowledgements are as short as they may be; 3.1.1 has no reasons (§3.4.2.1)")
    func acknowledgements() {
        #expect(bytes(MQTTWriter.acknowledge(.v5, .puback, 0x1234)) == [0x40, 2, 0x12, 0x34])
        #expect(bytes(MQTTWriter.acknowledge(.v5, .pubcomp, 1, .packetIdentifierNotFound)) == [0x70, 3, 0, 1, 0x92])
        #expect(
            bytes(MQTTWriter.acknowledge(.v5, .pubrec, 1, .notAuthorized, text: "no"))
                == [0x50, 9, 0, 1, 0x87, 5, 0x1F, 0, 2, 0x6E, 0x6F])
        #expect(bytes(MQTTWriter.acknowledge(.v311, .pubrel, 1, .packetIdentifierNotFound)) == [0x62, 2, 0, 1])
        #expect(bytes(MQTTWriter.pingresp) == [0xD0, 0])
    }

    @Test("SUBACK and UNSUBACK have a reason for each filter, in 3.1.1 as far as it has any (§3.9, §3.11)")
    func lists() {
        let reasons: [MQTTReason] = [.success, .notAuthorized, .grantedQoS1]
        #expect(bytes(MQTTWriter.suback(.v5, 7, reasons)) == [0x90, 6, 0, 7, 0, 0, 0x87, 1])
        #expect(bytes(MQTTWriter.suback(.v311, 7, reasons)) == [0x90, 5, 0, 7, 0, 0x80, 1])
        #expect(bytes(MQTTWriter.unsuback(.v5, 7, [.noSubscriptionExisted])) == [0xB0, 4, 0, 7, 0, 0x11])
        #expect(bytes(MQTTWriter.unsuback(.v311, 7, [.noSubscriptionExisted])) == [0xB0, 2, 0, 7])
    }

    @Test("kinds of packets are named as the specification writes them")
    func names() {
        // Apart from case: that of the source's names and that of the specification.
        #expect(MQTTPacketType.allCases.allSatisfy { $0.name == "\($0)".uppercased() })
    }

    @Test("a reason string is cut between characters")
    func reasonStrings() {
        let text = MQTTProperties(String(repeating: "日", count: 200)).text(.reasonString)
        #expect(text?.utf8.count == 255)
        #expect(MQTTProperties("a\0b").text(.reasonString) == "ab")
    }

    @Test("what the node ends a client for is said with a reason that DISCONNECT may have (Table 3-10)")
    func reasons() {
        for disconnect in Disconnect.builtIn {
            #expect(MQTTReason.ofServer(in: .disconnect).contains(MQTTReason(disconnect)), "\(disconnect)")
        }
        #expect(MQTTReason(.serviceRestart) == .serverShuttingDown && MQTTReason(.slow) == .quotaExceeded)
    }

    // MARK: Publications

    private func publication(_ text: String, _ tags: [(ExactText, ExactText)] = []) throws -> Publication {
        Publication(
            channel: try ChannelName("chat:1"), payload: Payload(text: text),
            metadata: PublicationMetadata(tags: try PublicationTags(tags.map { .init(name: $0.0, value: $0.1) })))
    }

    @Test("a publication is a PUBLISH with QoS 0; in version 5 with its tags as properties (§3.3)")
    func publish() throws {
        let plain = try publication("hi")
        #expect(bytes(MQTTCodec(version: .v311).body(plain)) == Bytes.publish("chat:1", "hi", properties: nil))
        #expect(bytes(MQTTCodec(version: .v5).body(plain)) == Bytes.publish("chat:1", "hi"))
        #expect(
            bytes(MQTTCodec(version: .v5).body(plain, isRetained: true)) == Bytes.publish("chat:1", "hi", flags: 1))
        let tagged = try publication(
            String(repeating: "x", count: 500),
            [
                ("content-type", "text/plain"), ("k", "v"), ("response-topic", "re/1"), ("correlation-data", "AP8="),
                ("payload-format", "1"), ("message-expiry", "60"),
            ])
        let (packets, error) = Bytes.read(
            bytes(MQTTCodec(version: .v5).body(tagged, isRetained: false, waited: 20)) ?? [])
        guard case .publish(let publish)? = packets.first, error == nil else {
            Issue.record("no PUBLISH: \(String(describing: error))")
            return
        }
        #expect(publish.topic == "chat:1" && publish.payload.readableBytes == 500)
        #expect(
            publish.properties.text(.contentType) == "text/plain" && publish.properties.text(.responseTopic) == "re/1")
        #expect(publish.properties.bytes(.correlationData) == [0, 255])
        #expect(publish.properties.number(.payloadFormatIndicator) == 1)
        #expect(publish.properties.number(.messageExpiryInterval) == 40)
        #expect(publish.properties.users.map(\.name) == ["k"])
        // The same tags again, in whatever order.
        let again = try MQTTTags.tags(MQTTTags.properties(tagged.metadata?.tags ?? .none))
        #expect(
            Set(again.all.map { "\($0.name)=\($0.value)" })
                == Set((tagged.metadata?.tags ?? .none).all.map { "\($0.name)=\($0.value)" }))
    }

    @Test("tags that a packet can't say are left out, and the rest comes")
    func unsayable() throws {
        let tagged = try publication(
            "x",
            [
                ("a\0", "1"), ("b", "\0"), ("response-topic", "a/#"), ("correlation-data", "?"),
                ("message-expiry", "soon"), ("payload-format", "2"), ("c", "3"),
            ])
        let properties = MQTTTags.properties(tagged.metadata?.tags ?? .none)
        #expect(properties.all.count == 1 && properties.users.first?.name == "c")
    }

    @Test("user properties that tags can't say are refused, none is lost in silence")
    func refused() throws {
        func reason(_ users: [(ExactText, ExactText)]) -> MQTTReason? {
            var properties = MQTTProperties()
            for (name, value) in users { properties.append(.userProperty, .pair(name, value)) }
            do throws(MQTTError) {
                _ = try MQTTTags.tags(properties)
                return nil
            } catch {
                return error.reason
            }
        }
        #expect(reason([("a", "1"), ("b", "1")]) == nil)
        #expect(reason([("a", "1"), ("a", "2")]) == .implementationSpecificError)
        #expect(reason([("", "1")]) == .implementationSpecificError)
        #expect(reason([("content-type", "1")]) == .implementationSpecificError)
        #expect(reason((0..<33).map { ("\($0)", "") }.map { (ExactText($0.0), ExactText($0.1)) }) == .quotaExceeded)
        #expect(reason([("a", ExactText(String(repeating: "x", count: 5_000)))]) == .quotaExceeded)
    }

    @Test("a publication whose interval has passed has expired, none without one")
    func expiry() throws {
        let tags = try publication("x", [("message-expiry", "10")]).metadata?.tags ?? .none
        #expect(!MQTTTags.hasExpired(tags, after: 9) && MQTTTags.hasExpired(tags, after: 10))
        #expect(!MQTTTags.hasExpired(.none, after: 1_000_000))
    }
}
