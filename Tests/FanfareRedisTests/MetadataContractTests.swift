import FanfareCore
import FanfareTestKit
import FanfareWire
import NIOCore
import Testing

@testable import FanfareRedis

/// What a publication carries beside its payload arrives with it, held by all brokers.
@Suite("Metadata contract")
struct MetadataContractTests {
    typealias Kind = BrokerContractTests.Kind

    @Test("tags and info reach subscribers and stay in the history", arguments: Kind.allCases)
    func metadata(kind: Kind) async throws {
        try await kind.with(rules: HistoryContractTests.rules) { probe in
            let info = ClientInfo(client: "c1", user: "ann", connInfo: ByteBuffer(string: "[1]"))
            let metadata = PublicationMetadata(
                tags: try PublicationTags([.init(name: "b", value: "1"), .init(name: "a", value: "\u{E9}")]), info: info
            )
            for channel in ["plain:a", "h:a"] {
                try await probe.subscribe(channel)
                for key in [nil, "key"] {
                    let publication = Publication(
                        channel: try ChannelName(channel), payload: Payload(text: channel), publishedAt: 1,
                        metadata: metadata)
                    _ = try await probe.publish(publication, key: key).get()
                }
                _ = try await probe.publish(channel, "without").get()
                try await eventually("three arrive in \(channel)") { probe.publications(in: channel).count == 3 }
                #expect(probe.publications(in: channel).map(\.metadata) == [metadata, metadata, nil])
            }
            let page = try await probe.history("h:a", HistoryQuery(limit: 9))
            #expect(page.publications.map(\.metadata) == [metadata, metadata, nil])
            #expect(page.texts == ["h:a", "h:a", "without"])
            #expect(probe.metrics.counters.value(.skippedFields) == 0)
        }
    }

    @Test("a publisher's QoS comes with what it published, also where a client is left out", arguments: Kind.allCases)
    func qos(kind: Kind) async throws {
        try await kind.with(rules: HistoryContractTests.rules) { probe in
            let client = ClientID.make(node: .random(), loop: 3)
            for channel in ["plain:a", "h:a"] {
                try await probe.subscribe(channel)
                for qos: UInt8 in 0...1 {
                    let publication = Publication(
                        channel: try ChannelName(channel), payload: Payload(text: channel), publishedAt: 1,
                        metadata: PublicationMetadata(qos: qos))
                    let options = PublishOptions(excludedClient: qos == 0 ? nil : client)
                    _ = try await probe.publish(publication, options).get()
                }
                try await eventually("two arrive in \(channel)") { probe.publications(in: channel).count == 2 }
                #expect(probe.publications(in: channel).map { $0.metadata?.qos } == [0, 1])
            }
            let page = try await probe.history("h:a", HistoryQuery(limit: 9))
            #expect(page.publications.map { $0.metadata?.qos } == [0, 1])
            #expect(page.publications.map { $0.metadata?.excludedClient } == [nil, client])
            #expect(probe.metrics.counters.value(.skippedFields) == 0)
        }
    }

    @Test("the client that is left out is named to subscribers and in the history", arguments: Kind.allCases)
    func excludedClient(kind: Kind) async throws {
        try await kind.with(rules: HistoryContractTests.rules) { probe in
            let client = ClientID.make(node: .random(), loop: 3)
            let tags = PublicationMetadata(tags: try PublicationTags([.init(name: "a", value: "1")]))
            for channel in ["plain:a", "h:a"] {
                try await probe.subscribe(channel)
                for (number, key) in [nil, "key", "key"].enumerated() {
                    let publication = Publication(
                        channel: try ChannelName(channel), payload: Payload(text: channel), publishedAt: 1,
                        metadata: number == 0 ? nil : tags)
                    _ = try await probe.publish(
                        publication, PublishOptions(idempotencyKey: key, excludedClient: client)
                    ).get()
                }
                _ = try await probe.publish(channel, "to all").get()
                try await eventually("three arrive in \(channel)") { probe.publications(in: channel).count == 3 }
                let metadata = probe.publications(in: channel).map(\.metadata)
                #expect(metadata.map { $0?.excludedClient } == [client, client, nil])
                #expect(metadata.map { $0?.tags.count ?? 0 } == [0, 1, 0])
            }
            let page = try await probe.history("h:a", HistoryQuery(limit: 9))
            #expect(page.publications.map { $0.metadata?.excludedClient } == [client, client, nil])
            #expect(probe.metrics.counters.value(.skippedFields) == 0)
        }
    }
}
