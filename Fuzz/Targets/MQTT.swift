import FanfareCore
import NIOCore

@testable import FanfareProtocols
@testable import FanfareWire

extension FuzzTarget {
    /// MQTT in both versions: packets are the same however cut, bounded, and read again as they are written; a session ends what is broken
    /// and says nothing but whole packets; what it has under way is bounded, has an id each, and comes in order; a topic is one channel;
    /// tags come back as they were.
    static let mqtt = FuzzTarget(name: "mqtt", maxBytes: 2_048) { input in
        var input = input
        switch input.pick(5) {
        case 0: packets(input)
        case 1: session(input)
        case 2: publication(input)
        case 3: topic(ExactText(input.remainder))
        default: deliveries(input)
        }
    }

    private static let limit = 1_024

    private static func connect(_ version: MQTTVersion, receiveMaximum: UInt8? = nil) -> [UInt8] {
        let properties: [UInt8] = version == .v5 ? receiveMaximum.map { [3, 0x21, 0, $0] } ?? [0] : []
        let body = [0, 4] + Array("MQTT".utf8) + [version.rawValue, 2, 0, 0] + properties + [0, 0]
        return [0x10, UInt8(body.count)] + body
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
            case .join, .publish, .publishToOthers, .publishOnTerms, .history: last.append(action)
            case .disconnect: hasEnded = true
            case .subscribe, .unsubscribe, .deliver, .announce, .presence, .presenceStats, .authenticate, .begin,
                .release:
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
            case .publish(_, _, _, let id), .publishToOthers(_, _, _, let id), .publishOnTerms(_, _, _, _, let id):
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
            check(client)
            if input.bool(), !last.isEmpty { answer(last.removeFirst()) }
        }
        expect(said > 0, "no CONNACK")
    }

    /// What a session has under way to its client.
    private static func check(_ client: MQTTSession) {
        let window = client.window
        expect(window.messages.count <= window.limit && window.limit <= MQTTBounds.inFlight, "\(window.messages.count)")
        let ids = Set(window.messages.map(\.id))
        expect(ids.count == window.messages.count && !ids.contains(0), "ids: \(window.messages.map(\.id))")
        expect(window.bytes == window.messages.reduce(0) { $0 + Int($1.bytes) }, "\(window.bytes) bytes")
        expect(window.behind.count == Set(window.behind).count, "twice in line: \(window.behind)")
        let behind = Set(client.subscriptions.filter { $0.follower?.value.isBehind == true }.map(\.number))
        expect(behind == Set(window.behind), "\(window.behind) in line, \(behind) behind")
    }

    // MARK: Deliveries

    /// Two channels with a stream each, a client with a small window that acknowledges anything, and a broker that answers later.
    private struct Line {
        /// Publications of each channel: those with QoS 0 among them.
        var streams: [[UInt8]] = [[], []]
        /// What the client heard of each.
        var heard: [[UInt8]] = [[], []]
        /// Messages that the client has not acknowledged, by id, with what it may say next.
        var open: [UInt16: MQTTPacketType] = [:]
        var read: (channel: Int, HistoryQuery, id: UInt32)?
        var joins: [SubscriptionRequest] = []
    }

    /// What the client says next of a message.
    private static func acknowledge(_ id: UInt16, _ line: inout Line) -> [UInt8] {
        let type = line.open.removeValue(forKey: id) ?? .puback
        if type == .pubrec { line.open[id] = .pubcomp }
        return packet(type, id)
    }

    private static func packet(_ type: MQTTPacketType, _ id: UInt16) -> [UInt8] {
        [type.rawValue << 4, 2, UInt8(id >> 8), UInt8(id & 0xFF)]
    }

    private static func publication(_ line: Line, _ channel: Int, _ offset: Int) -> Publication {
        guard let name = try? ChannelName(channel == 0 ? "a" : "b") else { fatalError("no name") }
        let qos = line.streams[channel][offset - 1]
        return Publication(
            channel: name,
            payload: Payload(kind: .binary, bytes: ByteBuffer(bytes: [UInt8(truncatingIfNeeded: offset)])),
            position: StreamPosition(offset: UInt64(offset), epoch: "e"),
            metadata: PublicationMetadata(qos: qos < 2 ? qos : nil))
    }

    private static func deliveries(_ input: FuzzInput) {
        var input = input
        let version = input.pick(MQTTVersion.allCases)
        let limit = version == .v5 ? input.pick(6) + 1 : MQTTBounds.inFlight
        var rules = ChannelRules()
        rules.history = .init(size: 1_000, age: .seconds(60))
        let policy = MQTTSession.Policy(
            maxChannelNameBytes: 16, maxChannels: 3, maxPacketBytes: 1_024, permissions: .publish,
            channels: ChannelRulebook(plain: rules))
        var client = MQTTSession(.init(policy), clientID: "c")
        var (line, hasEnded) = (Line(), false)
        func hear(_ bytes: ByteBuffer) {
            var fields = MQTTFields(bytes)
            guard let first = try? fields.byte(), (try? fields.variable()) == fields.count else {
                fatalError("no packet")
            }
            guard first >> 4 == 3, let topic = try? fields.text() else { return }
            if first >> 1 & 3 > 0, let id = try? fields.packetID() {
                let next: MQTTPacketType = first >> 1 & 3 == 1 ? .puback : .pubrec
                expect(line.open.updateValue(next, forKey: id) == nil, "\(id) is under way")
            }
            expect(line.open.count <= limit, "\(line.open.count) under way")
            if let last = fields.bytes.readableBytesView.last { line.heard[topic == "a" ? 0 : 1].append(last) }
        }
        func perform(_ action: SessionAction) {
            guard !hasEnded else { return }
            switch action {
            case .all(let actions): for action in actions { perform(action) }
            case .send(let body), .refuse(let body), .answer(let body): hear(body.bytes)
            case .history(let channel, let query, let id): line.read = (channel.string == "a" ? 0 : 1, query, id)
            case .join(let request): line.joins.append(request)
            case .disconnect: hasEnded = true
            default: break
            }
        }
        func goOn() {
            while !hasEnded, line.read == nil, case .perform(.mqtt(let request), _) = client.next(mayRead: true) {
                perform(client.perform(request))
            }
        }
        func send(_ bytes: [UInt8]) {
            _ = client.take(Payload(kind: .binary, bytes: ByteBuffer(bytes: bytes)))
            goOn()
        }
        func publish(_ channel: Int, _ qos: UInt8) {
            line.streams[channel].append(qos)
            let publication = publication(line, channel, line.streams[channel].count)
            for join in line.joins where join.channel == publication.channel {
                var lead = ByteBuffer()
                guard client.writeLead(of: publication, request: join.request ?? 0, into: &lead) else { continue }
                lead.writeImmutableBuffer(MQTTTailCodec(version: version).body(publication).bytes)
                hear(lead)
            }
        }
        func answer() {
            guard let (channel, query, id) = line.read else { return }
            line.read = nil
            let (since, count) = (Int(query.since?.offset ?? 0), line.streams[channel].count)
            let offsets = Array((since + 1..<max(since, count) + 1).prefix(query.limit))
            let page = HistoryPage(
                publications: offsets.map { publication(line, channel, $0) },
                position: StreamPosition(offset: UInt64(count), epoch: "e"), isCut: offsets.last ?? count < count)
            perform(client.read(id: id, .success(page)))
            goOn()
        }
        send(connect(version, receiveMaximum: UInt8(truncatingIfNeeded: limit)))
        for (name, qos): (UInt8, UInt8) in [(UInt8(ascii: "a"), 1), (UInt8(ascii: "b"), 2)] {
            send([0x82, version == .v5 ? 7 : 6, 0, qos] + (version == .v5 ? [0] : []) + [0, 1, name, qos])
        }
        for join in line.joins {
            let start = SubscriptionStart(position: StreamPosition(offset: 0, epoch: "e"))
            perform(client.subscribed(id: join.request ?? 0, start))
        }
        while !hasEnded, !input.isEmpty {
            switch input.pick(6) {
            case 0, 1: publish(input.pick(2), UInt8(truncatingIfNeeded: input.pick(3)))
            case 2: answer()
            case 3:
                // What it should say of the oldest, or of another.
                guard let id = line.open.keys.min() else { continue }
                send(acknowledge(id, &line))
            case 4: answer()
            default: send(packet(input.pick([.puback, .pubrec, .pubcomp]), UInt16(60_000 + input.pick(256))))
            }
            check(client)
            for channel in 0..<2 {
                let heard = line.heard[channel]
                expect(heard.count <= line.streams[channel].count, "more than there is")
                expect(heard == (1..<heard.count + 1).map { UInt8(truncatingIfNeeded: $0) }, "out of order: \(heard)")
            }
        }
        // Who acknowledges all hears all.
        while !hasEnded, line.read != nil || !line.open.isEmpty {
            answer()
            guard let id = line.open.keys.min() else { continue }
            send(acknowledge(id, &line))
        }
        expect(hasEnded == false, "it ended")
        expect(line.heard.map(\.count) == line.streams.map(\.count), "\(line.heard) of \(line.streams)")
        expect(client.window.messages.isEmpty && client.window.behind.isEmpty, "\(client.window)")
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
