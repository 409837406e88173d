import Testing

@testable import FanfareRedis

@Suite("Redis URLs and envelopes")
struct RedisURLTests {
    @Test("all forms are read")
    func forms() throws {
        let plain = try RedisConfiguration(url: "redis://example")
        #expect(plain.address == .host("example", port: 6379) && !plain.tls && plain.password == nil)
        let full = try RedisConfiguration(url: "rediss://me:p%40ss%2F@host:6380/3")
        #expect(full.address == .host("host", port: 6380) && full.tls && full.user == "me")
        #expect(full.password == "p@ss/" && full.database == 3)
        #expect(try RedisConfiguration(url: "redis://:secret@h").password == "secret")
        #expect(try RedisConfiguration(url: "redis://[::1]:7000").address == .host("::1", port: 7000))
        let unix = try RedisConfiguration(url: "unix:///run/redis.sock?db=2")
        #expect(unix.address == .path("/run/redis.sock") && unix.database == 2)
    }

    @Test("what is wrong is named, the password never")
    func wrong() {
        #expect(throws: RedisURLError.scheme) { try RedisConfiguration(url: "http://x") }
        #expect(throws: RedisURLError.scheme) { try RedisConfiguration(url: "localhost:6379") }
        #expect(throws: RedisURLError.host) { try RedisConfiguration(url: "redis://") }
        #expect(throws: RedisURLError.port("70000")) { try RedisConfiguration(url: "redis://x:70000") }
        #expect(throws: RedisURLError.database("x")) { try RedisConfiguration(url: "redis://h/x") }
        #expect(throws: RedisURLError.path) { try RedisConfiguration(url: "unix://") }
        #expect(throws: RedisURLError.escape) { try RedisConfiguration(url: "redis://:%zz@h") }
        let secret = try? RedisConfiguration(url: "redis://me:hunter2@h/1")
        #expect(secret?.redactedURL == "redis://me:***@h:6379/1")
    }

    @Test("waits are random, grow, and have a bound")
    func backoff() {
        var backoff = Backoff(.milliseconds(100)...(.seconds(2)))
        var random = SystemRandomNumberGenerator()
        for tries in 0..<50 {
            let wait = backoff.next(using: &random)
            #expect(wait >= .zero && wait <= min(.seconds(2), .milliseconds(100) * (1 << min(tries, 20))))
        }
        backoff.reset()
        #expect(backoff.next(using: &random) <= .milliseconds(100))
    }
}
