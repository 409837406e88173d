import FanfareCore
import NIOCore

@testable import FanfareProtocols
@testable import FanfareWire

extension FuzzTarget {
    /// MQTT in both versions: packets are the same however cut, bounded, and read again as they are written; a session ends what is broken
    /// and says nothing but whole packets; a topic is one channel; tags come back as they were.
    static let mqtt = FuzzTarget(name: "mqtt", maxBytes: 2_048) { input in
        var input = input
        switch input.pick(4) {
        case 0: packets(input)
        case 1: session(input)
        case 2: publication(input)
        default: topic(ExactText(input.remainder))
        }
    }

    private static let limit = 1_024

    private static func connect(_ version: MQTTVersion) -> [UInt8] {
        [0x10, version == .v5 ? 13 : 12, 0, 4] + Array("MQTT".utf8) + [version.rawValue, 2, 0, 0]
            + (version == .v5 ? [0, 0, 0] : [0, 0])
    }

    // MARK: Packets

    private static func packets(_ input: FuzzInput) {
        var input = input
        let version: MQTTVersion? = input.pick([nil, .v311, .v5])
        let size = input.pick(32) + 1
        let (whole, error, spoken) = read(input.buffer, version, size: .max)
        let (cut, otherError, _) = read(input.buffer, version, size: size)
        expect(whole == cut && error == otherError, "other packets in pieces of \(size): \(whole), \(cut)")
        for packet in whole { check(packet, spoken ?? .v5) }
    }

    private static func read(
        _ bytes: ByteBuffer, _ version: MQTTVersion?, size: Int
    ) -> (packets: [MQTTPacket], error: MQTTError?, version: MQTTVersion?) {
        var reader = MQTTReader(maxPacketBytes: limit)
        var (rest, packets) = (bytes, [MQTTPacket]())
        do throws(MQTTError) {
            if let version {
                reader.feed(ByteBuffer(bytes: connect(version)))
                expect(try reader.next() != nil && reader.version == version, "no CONNECT")
            }
            while let piece = rest.readSlice(length: min(size, rest.readableBytes)), piece.readableBytes > 0 {
                reader.feed(piece)
                while let packet = try reader.next() { packets.append(packet) }
                expect(reader.waitingBytes <= limit, "\(reader.waitingBytes) bytes wait")
            }
        } catch {
            return (packets, error, reader.version)
        }
        return (packets, nil, reader.version)
    }

    private static func check(_ packet: MQTTPacket, _ version: MQTTVersion) {
        switch packet {
        case .publish(let publish):
            expect((publish.qos == .atMostOnce) == (publish.packetID == 0), "an id of QoS \(publish.qos)")
            expect(!MQTTTopic.hasWildcard(publish.topic), "a wildcard in a topic name")
            check(publish.properties, .packet(.publish), version)
            let (again, error, _) = read(written(publish, version), version, size: .max)
            expect(again == [packet] && error == nil, "\(publish) is read as \(again), \(String(describing: error))")
        case .subscribe(let subscribe):
            expect((1...MQTTBounds.filters).contains(subscribe.filters.count), "\(subscribe.filters.count) filters")
            check(subscribe.properties, .packet(.subscribe), version)
        case .unsubscribe(let unsubscribe):
            expect((1...MQTTBounds.filters).contains(unsubscribe.filters.count), "\(unsubscribe.filters.count) filters")
        case .acknowledge(let packet):
            expect(packet.packetID > 0 && MQTTReason.ofClient(in: packet.type).contains(packet.reason), "\(packet)")
            check(packet.properties, .packet(packet.type), version)
        case .connect(let connect):
            expect(connect.version == .v5 || connect.password == nil || connect.userName != nil, "\(connect)")
            check(connect.properties, .packet(.connect), connect.version)
        case .disconnect(let reason, let properties):
            expect(MQTTReason.ofClient(in: .disconnect).contains(reason), "\(reason)")
            check(properties, .packet(.disconnect), version)
        case .auth, .pingreq: break
        }
    }

    private static func check(_ properties: MQTTProperties, _ place: MQTTPropertyID.Place, _ version: MQTTVersion) {
        expect(version == .v5 || properties.all.isEmpty, "properties in 3.1.1")
        expect(properties.users.count <= MQTTBounds.userProperties, "\(properties.users.count) user properties")
        let others = properties.all.map(\.id).filter { $0 != .userProperty }
        expect(Set(others).count == others.count, "a property twice: \(others)")
        expect(properties.all.allSatisfy { $0.id.isAllowed(in: place) }, "\(others) in \(place.name)")
        var buffer = ByteBuffer()
        properties.write(into: &buffer)
        expect(buffer.readableBytes == properties.size, "\(properties.size) bytes are \(buffer.readableBytes)")
    }

    /// The packet as a client writes it.
    private static func written(_ publish: MQTTPublish, _ version: MQTTVersion) -> ByteBuffer {
        var body = ByteBuffer()
        body.writeMQTTText(publish.topic)
        if publish.qos != .atMostOnce { body.writeInteger(publish.packetID) }
        if version == .v5 {
            MQTTVariable.write(publish.properties.size, into: &body)
            publish.properties.write(into: &body)
        }
        body.writeImmutableBuffer(publish.payload)
        var packet = ByteBuffer(bytes: [
            0x30 | (publish.isDuplicate ? 8 : 0) | publish.qos.rawValue << 1 | (publish.isRetained ? 1 : 0)
        ])
        MQTTVariable.write(body.readableBytes, into: &packet)
        packet.writeImmutableBuffer(body)
        return packet
    }

    // MARK: A session

    private static func session(_ input: FuzzInput) {
        var input = input
        let version = input.pick(MQTTVersion.allCases)
        var rules = ChannelRules()
        rules.history = .init(size: 1, age: .seconds(60))
        rules.recovery = input.bool() ? .cache : .off
        let policy = MQTTSession.Policy(
            maxChannelNameBytes: 16, maxChannels: 3, maxPacketBytes: limit, permissions: .publish,
            channels: ChannelRulebook(plain: rules))
        var client = MQTTSession(.init(policy), clientID: "c")
        var (said, hasEnded, last): (Int, Bool, [SessionAction]) = (0, false, [])
        func perform(_ action: SessionAction) {
            guard !hasEnded else { return }
            switch action {
            case .none, .dropped, .leave: break
            case .all(let actions): for action in actions { perform(action) }
            case .send(let body), .refuse(let body), .answer(let body):
                said += 1
                var fields = MQTTFields(body.bytes)
                guard (try? fields.byte()) != nil, let length = try? fields.variable() else { fatalError("no packet") }
                expect(body.kind == .binary && length == fields.count, "not one whole packet")
            case .join, .publish, .publishToOthers, .history: last.append(action)
            case .disconnect: hasEnded = true
            case .subscribe, .unsubscribe, .deliver, .announce, .presence, .presenceStats, .authenticate, .begin:
                fatalError("not of this protocol: \(action)")
            }
        }
        func answer(_ action: SessionAction) {
            let isGood = input.bool()
            switch action {
            case .join(let request):
                let id = request.request ?? 0
                perform(
                    isGood
                        ? client.subscribed(id: id, SubscriptionStart()) : client.subscribeFailed(id: id, .overloaded))
            case .publish(_, _, _, let id), .publishToOthers(_, _, _, let id):
                perform(client.published(id: id, isGood ? .success(PublishReceipt()) : .failure(.overloaded)))
            case .history(_, _, let id): perform(client.read(id: id, .failure(.overloaded)))
            default: break
            }
        }
        var isFirst = true
        while !hasEnded, isFirst || !input.isEmpty {
            let bytes = isFirst ? ByteBuffer(bytes: connect(version)) : input.bytes(input.pick(64) + 1).buffer
            isFirst = false
            if case .action(let action) = client.take(Payload(kind: .binary, bytes: bytes)) { perform(action) }
            while !hasEnded {
                switch client.next(mayRead: true) {
                case .perform(.mqtt(let request), _):
                    perform(client.perform(request))
                    continue
                case .fail(let action): perform(action)
                case .perform, .wait, .none: break
                }
                break
            }
            expect(client.subscriptions.count <= 3, "\(client.subscriptions.count) subscriptions")
            expect(client.waiting.count <= client.subscriptions.count + 1, "\(client.waiting.count) SUBACKs wait")
            if input.bool(), !last.isEmpty { answer(last.removeFirst()) }
        }
        expect(said > 0, "no CONNACK")
    }

    // MARK: Publications and topics

    /// A publication with any tags, as a client reads it; what all share and what has a lead say the same.
    private static func publication(_ input: FuzzInput) {
        var input = input
        let version = input.pick(MQTTVersion.allCases)
        let (name, value) = (ExactText(input.text()), ExactText(input.text()))
        guard let channel = try? ChannelName("a+b"),
            let tags = try? PublicationTags([.init(name: name, value: value)])
        else { return }
        let publication = Publication(
            channel: channel, payload: Payload(kind: .binary, bytes: input.buffer),
            metadata: PublicationMetadata(tags: tags))
        let body = MQTTCodec(version: version).body(publication).bytes
        let (packets, error, _) = read(body, version, size: .max)
        guard body.readableBytes <= limit else {
            return expect(error?.reason == .packetTooLarge, "\(String(describing: error))")
        }
        guard case .publish(let publish)? = packets.first, packets.count == 1, error == nil else {
            fatalError("no PUBLISH: \(String(describing: error))")
        }
        expect(publish.topic == "a%2Bb" && publish.payload == publication.payload.bytes, "\(publish)")
        if let again = try? MQTTTags.tags(publish.properties), let tag = again.all.first, version == .v5 {
            expect(
                tag.name == name
                    && (tag.value == value || [MQTTTags.messageExpiry, MQTTTags.correlationData].contains(name)),
                "other tags: \(again)")
        }
        let own = MQTTTailCodec(version: version).packet(.init(), publication, waited: 0)
        expect(own?.bytes == body, "another packet with a lead")
    }

    private static func topic(_ text: ExactText) {
        _ = MQTTTopic.filter(text)
        guard let topic = MQTTTopic(text, limit: 255) else { return }
        expect(topic.name == text, "'\(text)' is '\(topic.name)'")
        expect(MQTTTopic.filter(text) == .exact && !MQTTTopic.hasWildcard(text), "'\(text)' is no topic name")
    }
}
