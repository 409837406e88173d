import FanfareTestKit
import NIOCore
import Testing

@testable import FanfareRedis

@Suite("Redis over TLS")
struct RedisTLSTests {
    @Test("a peer that does not answer the close is waited for half a second, not NIOSSL's five")
    func shutdown() throws {
        let configuration = try RedisConfiguration(url: "rediss://h:1")
        #expect(RedisConnector.tls(configuration).shutdownTimeout == .milliseconds(500))
    }
}
