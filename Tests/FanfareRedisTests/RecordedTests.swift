import FanfareCore
import FanfareTestKit
import FanfareWire
import Foundation
import NIOCore
import Testing

@testable import FanfareRedis

/// What earlier nodes wrote is read for ever, and what says nothing new is written as they wrote it.
@Suite("Recorded messages and entries")
struct RecordedTests {
    private static let ann = ClientInfo(
        client: "254ee4f1-ea9e-5e39-3100-0f814e78a106", user: "ann",
        connInfo: ByteBuffer(string: #"{"name": "Ann \u00e9"}"#), chanInfo: ByteBuffer(string: #"{"color": "red"}"#))
    private static let anonymous = ClientInfo(client: "c78f5df7-0b13-2ca2-4083-4e43928fda3e")
    private static let binary = Payload(kind: .binary, bytes: ByteBuffer(bytes: [0, 0x46, 0x46, 1, 255]))
    private static let epoch = "xn3bvzyy"
    private static let publisher: UInt32 = 0xC928_6189

    private static let envelopes: [String: Envelope] = [
        "numbered-text": .numbered(
            Payload(text: "héllo"), acceptedAt: 1_795_674_280_604_434,
            PublisherNumber(publisher: publisher, number: 1)),
        "numbered-binary": .numbered(
            binary, acceptedAt: 1_795_674_280_606_258, PublisherNumber(publisher: publisher, number: 2)),
        "publication-text": .publication(Payload(text: #"{"n": 1}"#), acceptedAt: 1_795_674_280_609_384),
        "positioned-text": .positioned(
            Payload(text: "première"), acceptedAt: 1_795_674_280_611_380, StreamPosition(offset: 1, epoch: epoch)),
        "positioned-binary": .positioned(
            binary, acceptedAt: 1_795_674_280_613_541, StreamPosition(offset: 2, epoch: epoch)),
        "positioned-text-2": .positioned(
            Payload(text: #"{"n": 3}"#), acceptedAt: 1_795_674_280_616_190, StreamPosition(offset: 3, epoch: epoch)),
        "join-text": .presence(.join, ann),
        "join-text-2": .presence(.join, anonymous),
        "leave-text": .presence(.leave, ann),
        "probe": .probe(2),
    ]

    @Test("every message is read as what it was")
    func messages() throws {
        let recorded = try Recorded("55b0f9f")
        #expect(Set(recorded.messages.map { $0[0] }) == Set(Self.envelopes.keys))
        for (name, envelope) in Self.envelopes {
            let bytes = try recorded.message(name)
            #expect(bytes.withUnsafeBytes { Envelope.read($0) } == envelope, "\(name)")
        }
    }

    @Test("a node writes the same bytes, so that nodes of then read it")
    func written() throws {
        let recorded = try Recorded("55b0f9f")
        func publication(_ payload: Payload, _ acceptedAt: UInt64) throws -> Publication {
            Publication(channel: try ChannelName("c"), payload: payload, publishedAt: acceptedAt)
        }
        for (name, envelope) in Self.envelopes {
            var buffer = ByteBuffer()
            switch envelope {
            case .publication(let payload, let acceptedAt, _):
                Envelope.writeHeader(try publication(payload, acceptedAt), into: &buffer)
                buffer.writeImmutableBuffer(Envelope.body(try publication(payload, acceptedAt)))
            case .numbered(let payload, let acceptedAt, let number, _):
                Envelope.writeHeader(try publication(payload, acceptedAt), number, into: &buffer)
                buffer.writeImmutableBuffer(Envelope.body(try publication(payload, acceptedAt)))
            case .positioned(let payload, let acceptedAt, let place, _):
                Envelope.writeStreamHeader(try publication(payload, acceptedAt), into: &buffer)
                // As the script does.
                buffer.writeInteger(place.offset)
                buffer.writeInteger(UInt8(place.epoch.utf8.count))
                buffer.writeString(place.epoch)
                buffer.writeImmutableBuffer(Envelope.body(try publication(payload, acceptedAt)))
            case .presence(let kind, let info):
                let bytes = try recorded.message(name)
                let number = bytes[7..<15].reduce(0) { $0 << 8 | UInt64($1) }
                buffer = Envelope.header(kind, at: number)
                buffer.writeImmutableBuffer(info.json)
            case .probe(let number): buffer = Envelope.probeBytes(number)
            }
            let bytes = try recorded.message(name)
            #expect(Array(buffer.readableBytesView) == bytes, "\(name)")
        }
    }

    private static func tags(_ tags: (String, String)...) throws -> PublicationMetadata? {
        PublicationMetadata(
            tags: try PublicationTags(tags.map { .init(name: ExactText($0.0), value: ExactText($0.1)) }))
    }

    @Test("publications with tags and with their publisher's info, and in which bytes they are written")
    func metadata() throws {
        let recorded = try Recorded("7061dea")
        func info(_ client: String) -> PublicationMetadata? {
            PublicationMetadata(
                info: ClientInfo(
                    client: ExactText(client), user: "ann", connInfo: ByteBuffer(string: #"{"name": "Ann"}"#)))
        }
        let ann = "d092e800-94f1-6907-03fd-88c553b545c5"
        let expected: [String: (text: String, place: StreamPosition?, metadata: PublicationMetadata?)] = [
            "tags-text": (#"{"n": 1}"#, nil, try Self.tags(("a", "x"), ("b", "é"))),
            "tags-positioned-text": (
                #"{"n": 2}"#, StreamPosition(offset: 1, epoch: "4orx77er"), try Self.tags(("a", "y"))
            ),
            "info-text": (#"{"n": 3}"#, nil, info(ann)),
            "info-positioned-text": (#"{"n": 4}"#, StreamPosition(offset: 3, epoch: "4orx77er"), info(ann)),
        ]
        #expect(Set(recorded.messages.map { $0[0] }) == Set(expected.keys))
        for (name, (text, place, metadata)) in expected {
            let bytes = try recorded.message(name)
            var skipped = 0
            var again = ByteBuffer()
            switch bytes.withUnsafeBytes({ Envelope.read($0, skippedFields: &skipped) }) {
            case .numbered(let payload, let acceptedAt, let number, let read):
                #expect(payload == Payload(text: text) && read == metadata && place == nil, "\(name)")
                let publication = Publication(
                    channel: try ChannelName("c"), payload: payload, publishedAt: acceptedAt, metadata: read)
                Envelope.writeHeader(publication, number, into: &again)
                again.writeImmutableBuffer(Envelope.body(publication))
            case .positioned(let payload, let acceptedAt, let position, let read):
                #expect(payload == Payload(text: text) && read == metadata && position == place, "\(name)")
                let publication = Publication(
                    channel: try ChannelName("c"), payload: payload, publishedAt: acceptedAt, metadata: read)
                Envelope.writeStreamHeader(publication, into: &again)
                again.writeInteger(position.offset)
                again.writeInteger(UInt8(position.epoch.utf8.count))
                again.writeString(position.epoch)
                again.writeImmutableBuffer(Envelope.body(publication))
            case let other: Issue.record("\(name) is read as \(String(describing: other))")
            }
            #expect(skipped == 0 && Array(again.readableBytesView) == bytes, "\(name)")
        }
    }

    @Test("a stream whose entries have tags and infos is read")
    func metadataStream() async throws {
        let recorded = try Recorded("7061dea")
        try await withBroker { redis, probe in
            try await recorded.restore(into: redis)
            let page = try await probe.history("h:a", HistoryQuery(limit: 9))
            #expect(
                page.publications.map { $0.metadata?.tags } == [
                    try Self.tags(("a", "y"))?.tags, try Self.tags(("a", "y"))?.tags, PublicationTags.none,
                ])
            #expect(page.publications.last?.metadata?.info?.user == "ann" && page.unreadable == 0)
        }
    }

    @Test("messages between nodes are envelopes as all others")
    func control() throws {
        let path = Repository.path + "/Tests/FanfareRedisTests/Recorded/7061dea/control.txt"
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map {
            $0.split(separator: " ")
        }
        #expect(lines.count == 45)
        for line in lines {
            guard
                case .numbered(let payload, _, _, nil) = Hexadecimal.bytes(line[2]).withUnsafeBytes({
                    Envelope.read($0)
                })
            else {
                Issue.record("\(line[0]) is none")
                return
            }
            #expect(
                payload.kind == .binary && payload.bytes.readableBytesView.starts(with: [0x00, 0x46, 0x43, 0x01]),
                "\(line[0])")
        }
    }

    @Test("published again, each reaches its receivers")
    func published() async throws {
        let recorded = try Recorded("55b0f9f")
        try await withBroker { redis, probe in
            let channels = ["plain", "h:a", "p:room"]
            for channel in channels { try await probe.subscribe(channel) }
            for line in recorded.messages where line[0] != "probe" {
                try await redis.publish(line[1], Hexadecimal.bytes(line[2]))
            }
            try await eventually("joins and leave are heard") { probe.comings().count == 3 }
            #expect(
                probe.publications(in: "plain").map(\.payload) == [
                    Payload(text: "héllo"), Self.binary, Payload(text: #"{"n": 1}"#),
                ])
            let counters = probe.metrics.counters
            #expect(counters.value(.dropped) == 0 && counters.value(.received) == 6)
            #expect(counters.value(.skippedFields) == 0 && counters.value(.lost) == 0)
        }
    }

    @Test("a stream is read, and goes on")
    func stream() async throws {
        let recorded = try Recorded("55b0f9f")
        try await withBroker { redis, probe in
            try await recorded.restore(into: redis)
            let page = try await probe.history("h:a", HistoryQuery(limit: 9))
            #expect(
                page.publications.map(\.payload) == [
                    Payload(text: "première"), Self.binary, Payload(text: #"{"n": 3}"#),
                ])
            #expect(
                page.publications.map(\.publishedAt) == [611_380, 613_541, 616_190].map { 1_795_674_280_000_000 + $0 })
            #expect(page.publications.compactMap(\.position?.offset) == [1, 2, 3] && !page.isCut)
            #expect(page.position == StreamPosition(offset: 3, epoch: Self.epoch))
            #expect(page.unreadable == 0)
            // Within the same run of Redis its key is known, and gives the receipt of then.
            let again = try await probe.publish("h:a", "again", key: "k2").get()
            #expect(again.isDuplicate && again.position?.offset == 3 && again.position?.epoch == Self.epoch)
            #expect(try await probe.publish("plain", "again", key: "k1").get().isDuplicate)
            // Another run of Redis than then: the offset leaps, the epoch stays.
            let next = try await probe.publish("h:a", "4").get()
            #expect(next.position == StreamPosition(offset: 3 + 1_048_576, epoch: Self.epoch))
            let whole = try await probe.history("h:a", HistoryQuery(since: page.position, limit: 9))
            #expect(whole.publications(after: page.position)?.count == 1 && whole.unreadable == 0)
            #expect(probe.metrics.counters.value(.unreadable) == 0)
        }
    }

    @Test("a subscriber of then comes back over it")
    func subscriber() async throws {
        let recorded = try Recorded("55b0f9f")
        try await withBroker { redis, probe in
            try await recorded.restore(into: redis)
            try await probe.subscribe("h:a")
            #expect(probe.start(of: "h:a") == StreamPosition(offset: 3, epoch: Self.epoch))
            _ = try await probe.publish("h:a", "4").get()
            try await eventually("it goes on") { probe.texts() == ["4"] }
            #expect(probe.insufficient().isEmpty)
        }
    }

    @Test("members are read, counted, refreshed, and leave")
    func members() async throws {
        let recorded = try Recorded("55b0f9f")
        try await withBroker { redis, probe in
            try await recorded.restore(into: redis)
            try await probe.subscribe("p:room")
            let page = try await probe.page("p:room")
            #expect(page.total == 2)
            #expect(page.members.contains(Self.ann) && page.members.contains(Self.anonymous))
            #expect(try await probe.stats("p:room") == PresenceStats(clients: 2, users: 2))
            let outlook = try await probe.refresh(Self.ann.client.string, in: "p:room")
            #expect(outlook.missing.isEmpty)
            try await probe.leave(Self.ann.client.string, in: "p:room")
            try await eventually("her leave is heard") { probe.comings() == ["-\(Self.ann.client)"] }
            #expect(try await probe.stats("p:room") == PresenceStats(clients: 1, users: 1))
            #expect(probe.metrics.counters.value(.unreadable) == 0)
        }
    }

    @Test("members with more to say than this version knows are members")
    func laterMember() async throws {
        try await withBroker { redis, probe in
            let json = #"{"user":"ann","later":{"a":[1]},"client":"1","conn_info":7,"also":null}"#
            let far = "9999999999999"
            try await redis.command(["HSET", "fanfare:{p:room}:presence", "1"], bytes: [Array(json.utf8)])
            try await redis.command(["ZADD", "fanfare:{p:room}:expiry", far, "1"], bytes: [])
            try await redis.command(["HSET", "fanfare:{p:room}:users", "ann", "1", "later", "1"], bytes: [])
            let page = try await probe.page("p:room")
            #expect(page.members == [ClientInfo(client: "1", user: "ann", connInfo: ByteBuffer(string: "7"))])
        }
    }

    /// A broker with the rules of the node that was recorded.
    private func withBroker(_ body: (RedisServer, BrokerProbe) async throws -> Void) async throws {
        var history = ChannelRules()
        // The entries are as old as the recording.
        history.history = .init(size: 10, age: .seconds(1_000_000_000))
        var presence = ChannelRules()
        presence.presence = true
        presence.joinLeave = true
        let rules = ChannelRulebook(namespaces: ["h": history, "p": presence])
        try await withRedis { redis in
            try await withProbe(try .redis(redis.url, rules: rules)) { probe in
                try await probe.isUp()
                try await body(redis, probe)
            }
        }
    }
}
