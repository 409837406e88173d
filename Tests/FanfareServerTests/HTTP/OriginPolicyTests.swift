import Testing

@testable import FanfareServer

@Suite("Origin policy")
struct OriginPolicyTests {
    @Test("without a rule only pages of the same host and port, and programs, may come")
    func sameHost() {
        let policy = OriginPolicy.sameHost
        #expect(policy.allows([], host: "a.example"))
        #expect(policy.allows([], host: nil))
        for (origin, host, isAllowed) in [
            ("https://a.example", "a.example", true), ("https://A.Example", "a.EXAMPLE", true),
            ("http://a.example:80", "a.example", true), ("https://a.example", "a.example:443", true),
            ("http://127.0.0.1:8080", "127.0.0.1:8080", true), ("http://[::1]:8080", "[::1]:8080", true),
            ("http://a.example:8080", "a.example", false), ("https://b.example", "a.example", false),
            ("https://a.example.evil.example", "a.example", false), ("https://evil.example", "", false),
            ("null", "a.example", false), ("", "a.example", false), ("a.example", "a.example", false),
            ("https://a.example/path", "a.example", false), ("https://user@a.example", "a.example", false),
            ("ftp://a.example", "a.example", false), ("https://", "", false), ("https://[::1", "[::1", false),
            ("https://a.example:99999", "a.example:99999", false), ("https://a.example:+1", "a.example:1", false),
        ] {
            #expect(policy.allows([origin], host: host) == isAllowed, "\(origin) at \(host)")
        }
        #expect(!policy.allows(["https://a.example", "https://a.example"], host: "a.example"), "more than one")
    }

    @Test("where the node speaks TLS, a page of http is from elsewhere, also at the same host and port")
    func overTLS() throws {
        for (origin, host, isAllowed) in [
            ("https://a.example", "a.example", true), ("https://a.example", "a.example:443", true),
            ("https://a.example:8443", "a.example:8443", true), ("https://[::1]:8080", "[::1]:8080", true),
            ("http://a.example", "a.example", false), ("http://a.example:8443", "a.example:8443", false),
            ("http://a.example:443", "a.example", false), ("https://a.example", "a.example:80", false),
        ] {
            #expect(
                OriginPolicy.sameHost.allows([origin], host: host, overTLS: true) == isAllowed, "\(origin) at \(host)")
        }
        let listed = try OriginPolicy("http://a.example")
        #expect(listed.allows(["http://a.example"], host: "a.example", overTLS: true), "the operator has said so")
        #expect(OriginPolicy.sameHost.allows([], host: "a.example", overTLS: true), "programs send none")
    }

    @Test("listed origins and subdomains may come, with their scheme and port, besides the same host")
    func listed() throws {
        let policy = try OriginPolicy("https://app.example.com, https://*.example.org,http://localhost:3000")
        for (origin, isAllowed) in [
            ("https://app.example.com", true), ("https://app.example.com:443", true), ("http://localhost:3000", true),
            ("https://a.example.org", true), ("https://b.a.example.org", true), ("https://own.example", true),
            ("http://app.example.com", false), ("https://app.example.com:8443", false), ("http://localhost", false),
            ("https://example.org", false), ("https://.example.org", false), ("https://aexample.org", false),
            ("https://a.example.org.evil.example", false), ("http://a.example.org", false),
            ("https://x.app.example.com", false), ("https://*.example.org", false),
        ] {
            #expect(policy.allows([origin], host: "own.example") == isAllowed, "\(origin)")
        }
    }

    @Test("a star lets every page in, also one without an origin of its own")
    func any() throws {
        #expect(try OriginPolicy("*") == .any)
        #expect(OriginPolicy.any.allows(["null"], host: "a.example"))
        #expect(OriginPolicy.any.allows(["https://b.example"], host: nil))
    }

    @Test(
        "what is no origin is a problem and not a rule that never holds",
        arguments: [
            "", ",", "example.com", "https://example.com/", "https://*", "https://*.com", "https://a.*.com",
            "https://*.*.com", "null", "https://a.com https://b.com", "wss://a.com", "https://a.com:port",
        ])
    func problems(text: String) {
        #expect(throws: OriginPolicy.Problem.self) { try OriginPolicy(text) }
    }
}
