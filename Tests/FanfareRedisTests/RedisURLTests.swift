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

    @Test("sentinels, a cluster and a list of instances are read")
    func topologies() throws {
        let sentinel = try RedisConfiguration(
            url: "rediss+sentinel://me:p%2Cw@a,[::1]:5/my%20master/3?sentinel-user=s&sentinel-password=%40")
        let endpoints = [RedisEndpoint(host: "a", port: 26_379), RedisEndpoint(host: "::1", port: 5)]
        let sentinels = RedisSentinels(master: "my master", endpoints: endpoints, user: "s", password: "@")
        #expect(sentinel.address == .sentinel(sentinels) && sentinel.tls && sentinel.database == 3)
        #expect(sentinel.user == "me" && sentinel.password == "p,w")
        let cluster = try RedisConfiguration(url: "redis+cluster://:pw@a:1,b/")
        #expect(cluster.address == .cluster([.init(host: "a", port: 1), .init(host: "b", port: 6379)]))
        #expect(cluster.password == "pw" && !cluster.tls)
        let list = try RedisConfiguration.list(" redis://a  rediss://b:1\n")
        #expect(list.map(\.address) == [.host("a", port: 6379), .host("b", port: 1)])
        #expect(list.map(\.tls) == [false, true])
        #expect(throws: RedisURLError.duplicate) { try RedisConfiguration.list("redis://a redis://:x@a:6379/1") }
        #expect(throws: RedisURLError.scheme) { try RedisConfiguration.list(" ") }
    }

    @Test(
        "without its secrets a URL reads as it was given",
        arguments: [
            ("redis://h:1", "redis://h:1"), ("rediss://u:secret@[::1]/2", "rediss://u:***@[::1]:6379/2"),
            ("unix://:secret@/r.sock?db=2", "unix://:***@/r.sock?db=2"),
            (
                "redis+sentinel://:secret@a,b:1/m/2?sentinel-user=u&sentinel-password=secret",
                "redis+sentinel://:***@a:26379,b:1/m/2?sentinel-user=u&sentinel-password=***"
            ),
            ("rediss+cluster://u:secret@a,b:1", "rediss+cluster://u:***@a:6379,b:1"),
        ])
    func redacted(url: String, shown: String) throws {
        #expect(try RedisConfiguration(url: url).redactedURL == shown)
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
        #expect(throws: RedisURLError.escape) { try RedisConfiguration(url: "redis://:%+1@h") }
        #expect(throws: RedisURLError.masterName) { try RedisConfiguration(url: "redis+sentinel://a,b") }
        #expect(throws: RedisURLError.masterName) { try RedisConfiguration(url: "redis+sentinel://a,b/?x=1") }
        #expect(throws: RedisURLError.host) { try RedisConfiguration(url: "redis+sentinel://a,,b/m") }
        #expect(throws: RedisURLError.option) { try RedisConfiguration(url: "redis+sentinel://a/m?db=1") }
        #expect(throws: RedisURLError.clusterDatabase) { try RedisConfiguration(url: "redis+cluster://a/1") }
        #expect(throws: RedisURLError.host) { try RedisConfiguration(url: "redis://a,b") }
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

    @Test("no name in Redis belongs to two prefixes or two databases")
    func prefixes() throws {
        for good in ["fanfare:", "a.b_C-9:"] { #expect(RedisConfiguration.isPrefix(good)) }
        for bad in ["", ":", "a", "a:b:", "a::", "a b:", "a/3:", "a*:", "{a}:", "\u{E9}:"] {
            #expect(!RedisConfiguration.isPrefix(bad), "\(bad)")
        }
        #expect(try RedisConfiguration(url: "redis://h").channelPrefix == "fanfare:")
        #expect(try RedisConfiguration(url: "redis://h/3").channelPrefix == "fanfare/3:")
    }
}
