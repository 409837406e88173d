import FanfareCore
import FanfareTestKit
import FanfareWire
import Testing

@testable import FanfareRedis

/// The contract in `Broker.swift`, held by all brokers.
@Suite("Broker contract")
struct BrokerContractTests {
    enum Kind: CaseIterable, Sendable {
        case memory
        case redis
        case sharded
        case cluster

        /// Runs `body` with a broker of this kind that is up.
        func with(
            rules: ChannelRulebook = ChannelRulebook(), _ body: (BrokerProbe) async throws -> Void
        ) async throws {
            func redis(_ url: String) async throws {
                // What tests share they share with another prefix.
                let prefix = "t\(UInt64.random(in: 0...UInt64.max)):"
                try await withProbe(try .redis(url, rules: rules) { $0.prefix = prefix }) { probe in
                    try await probe.isUp()
                    try await body(probe)
                }
            }
            switch self {
            case .memory: try await withProbe(.memory(rules: rules), body)
            case .redis: try await withRedis { try await redis($0.url) }
            case .sharded:
                try await redis(try await SharedRedis.instances.value.map(\.url).joined(separator: " "))
            case .cluster:
                try await redis("redis+cluster://127.0.0.1:\(try await SharedRedis.cluster.value.servers[0].port)")
            }
        }
    }

    private func with(_ kind: Kind, _ body: (BrokerProbe) async throws -> Void) async throws {
        try await kind.with(body)
    }

    @Test("after the answer every publication arrives, only in its channel, in order", arguments: Kind.allCases)
    func delivery(kind: Kind) async throws {
        try await with(kind) { probe in
            try await probe.subscribe("a", receiver: 0)
            try await probe.subscribe("a", receiver: 1)
            try await probe.subscribe("b", receiver: 1)
            for number in 0..<500 {
                let publication = Publication(channel: try ChannelName("a"), payload: Payload(text: "\(number)"))
                probe.broker.publish(publication) { _ in }
            }
            try await probe.publish("b", "other")
            let expected = (0..<500).map { "\($0)" }
            try await eventually("all arrive") { probe.texts(0).count == 500 && probe.texts(1).count == 501 }
            #expect(probe.texts(0) == expected)
            #expect(probe.texts(1).filter { $0 != "other" } == expected)
        }
    }

    @Test("publishing completes, also where nobody listens", arguments: Kind.allCases)
    func nobody(kind: Kind) async throws {
        try await with(kind) { probe in
            guard case .success = try await probe.publish("empty", "x") else {
                Issue.record("was refused")
                return
            }
        }
    }

    @Test("after an unsubscribe nothing arrives, and the channel can be had again", arguments: Kind.allCases)
    func unsubscribe(kind: Kind) async throws {
        try await with(kind) { probe in
            try await probe.subscribe("a", receiver: 0)
            try await probe.subscribe("a", receiver: 1)
            probe.broker.unsubscribe(try ChannelName("a"), receiver: 0)
            try await probe.subscribe("marker", receiver: 0)
            try await probe.publish("a", "1")
            try await probe.publish("marker", "end")
            try await eventually("the marker arrives") { probe.texts(0).contains("end") && probe.texts(1) == ["1"] }
            #expect(probe.texts(0) == ["end"])
            try await probe.subscribe("a", receiver: 0)
            try await probe.publish("a", "2")
            try await eventually("it arrives again") { probe.texts(0) == ["end", "2"] }
        }
    }

    @Test("text stays text and binary stays binary", arguments: Kind.allCases)
    func kinds(kind: Kind) async throws {
        try await with(kind) { probe in
            try await probe.subscribe("a")
            for payload in [Payload(text: "é"), Payload(kind: .binary, bytes: .init(bytes: [0, 255, 10]))] {
                probe.broker.publish(Publication(channel: try ChannelName("a"), payload: payload)) { _ in }
            }
            try await eventually("both arrive") { probe.texts().count == 2 }
            let kinds = probe.events().compactMap { event -> Payload.Kind? in
                if case .publication(let prepared) = event { prepared.publication.payload.kind } else { nil }
            }
            #expect(kinds == [.text, .binary])
        }
    }
}

/// What is made once for all contract tests, and ends with their process.
private enum SharedRedis {
    static let instances = Task {
        var instances: [RedisServer] = []
        for _ in 0..<3 { instances.append(try await RedisServer.start()) }
        return instances
    }

    static let cluster = Task { try await RedisClusterServers.start() }
}
