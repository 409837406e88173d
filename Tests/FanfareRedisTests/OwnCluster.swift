import FanfareTestKit
import FanfareWire
import Testing

@testable import FanfareRedis

/// A Redis Cluster for all tests of a suite.
struct OwnCluster: SuiteTrait, TestScoping {
    @TaskLocal static var current: RedisClusterServers?

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        try await withRedisCluster(password: "hunter2") { cluster in
            try await Self.$current.withValue(cluster) { try await function() }
        }
    }
}

extension RedisClusterServers {
    /// Two seeds, with the password if there is one.
    var url: String {
        let login = servers[0].password.map { ":\($0)@" } ?? ""
        return "redis+cluster://\(login)" + servers.prefix(2).map { "127.0.0.1:\($0.port)" }.joined(separator: ",")
    }

    /// The server that owns slot 0.
    func ownerOfSlotZero() async throws -> RedisServer {
        try await owner(of: try #require((0..<100_000).map { "z\($0)" }.first { HashSlot.slot(of: $0.utf8) == 0 }))
    }
}

extension BrokerProbe {
    /// Answers to subscriptions of the first receiver.
    func answers() -> Int { events().count { if case .subscribed = $0 { true } else { false } } }
}
