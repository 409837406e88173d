import FanfareCore
import FanfareWire
import NIOCore
import Support
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
}
