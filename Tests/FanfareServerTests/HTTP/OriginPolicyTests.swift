import Testing

@testable import FanfareServer

@Suite("Origin policy")
struct OriginPolicyTests {
    @Test("without a rule only pages of the same host and port, and programs, may come")
    func sameHost() {
        let policy = OriginPolicy.sameHost
        #expect(policy.allows([], host: HostField("a.example")))
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
            ("https://\u{212A}.example", "k.example", false), ("https://k.example", "\u{212A}.example", false),
            ("capacitor://localhost", "localhost", false), ("https://a.example:99999", "a.example:99999", false),
            ("https://a.example:+1", "a.example:1", false),
        ] {
            #expect(policy.allows([origin], host: HostField(host)) == isAllowed, "\(origin) at \(host)")
        }
        let twice = ["https://a.example", "https://a.example"]
        #expect(!policy.allows(twice, host: HostField("a.example")), "more than one")
    }

    @Test("where the client came over TLS, a page of http is from elsewhere, also at the same host and port")
    func overTLS() throws {
        for (origin, host, isAllowed) in [
            ("https://a.example", "a.example", true), ("https://a.example", "a.example:443", true),
            ("https://a.example:8443", "a.example:8443", true), ("https://[::1]:8080", "[::1]:8080", true),
            ("http://a.example", "a.example", false), ("http://a.example:8443", "a.example:8443", false),
            ("http://a.example:443", "a.example", false), ("https://a.example", "a.example:80", false),
        ] {
            #expect(
                OriginPolicy.sameHost.allows([origin], host: HostField(host), overTLS: true) == isAllowed,
                "\(origin) at \(host)")
        }
        let listed = try OriginPolicy("http://a.example")
        let own = HostField("a.example")
        #expect(listed.allows(["http://a.example"], host: own, overTLS: true), "the operator has said so")
        #expect(OriginPolicy.sameHost.allows([], host: own, overTLS: true), "programs send none")
    }

    @Test("listed origins and subdomains may come, with their scheme and port, and no others")
    func listed() throws {
        let policy = try OriginPolicy("https://app.example.com, https://*.example.org,http://localhost:3000")
        for (origin, isAllowed) in [
            ("https://app.example.com", true), ("https://app.example.com:443", true), ("http://localhost:3000", true),
            ("https://a.example.org", true), ("https://b.a.example.org", true), ("https://own.example", false),
            ("http://app.example.com", false), ("https://app.example.com:8443", false), ("http://localhost", false),
            ("https://example.org", false), ("https://.example.org", false), ("https://aexample.org", false),
            ("https://a.example.org.evil.example", false), ("http://a.example.org", false),
            ("https://x.app.example.com", false), ("https://*.example.org", false),
        ] {
            #expect(policy.allows([origin], host: HostField("own.example")) == isAllowed, "\(origin)")
        }
    }

    @Test("who rebinds a name to the node is of the same host, which a list can do without or ask for by name")
    func rebinding() throws {
        let (evil, host) = (["http://evil.example:8000"], HostField("evil.example:8000"))
        #expect(OriginPolicy.sameHost.allows(evil, host: host))
        let app = try OriginPolicy("https://app.example.com")
        #expect(!app.allows(evil, host: host))
        let both = try OriginPolicy("https://app.example.com, same-host")
        #expect(both.allows(evil, host: host) && both.allows(["https://app.example.com"], host: host))
    }

    @Test("pages of apps, extensions and files can be listed")
    func otherSchemes() throws {
        let policy = try OriginPolicy(
            "null, capacitor://localhost, ionic://localhost, chrome-extension://abcdefgh, moz-extension://*, app://.,file://"
        )
        for (origin, isAllowed) in [
            ("null", true), ("capacitor://localhost", true), ("ionic://localhost", true), ("app://.", true),
            ("chrome-extension://abcdefgh", true), ("moz-extension://0b1c-2d", true), ("file://", true),
            ("Capacitor://LOCALHOST", true), ("capacitor://localhost:80", false), ("capacitor://evil", false),
            ("chrome-extension://other", false), ("http://localhost", false), ("https://abcdefgh", false),
            ("moz-extension://*", false), ("", false), ("NULL:", false), ("file:///etc", false),
        ] {
            #expect(policy.allows([origin], host: HostField("localhost")) == isAllowed, "\(origin)")
        }
        #expect(!OriginPolicy.sameHost.allows(["null"], host: HostField("null")))
        #expect(!OriginPolicy.sameHost.allows(["capacitor://localhost"], host: HostField("localhost")))
    }

    @Test("a star lets every page in, also one without an origin of its own")
    func any() throws {
        #expect(try OriginPolicy("*") == .any)
        #expect(OriginPolicy.any.allows(["null"], host: HostField("a.example")))
        #expect(OriginPolicy.any.allows(["https://b.example"], host: nil))
    }

    @Test(
        "what is no origin is a problem and not a rule that never holds",
        arguments: [
            "", ",", "example.com", "https://example.com/", "https://*", "https://*.com", "https://a.*.com",
            "https://*.*.com", "null:", "https://a.com https://b.com", "wss://a.com", "https://a.com:port", "://a",
            "1a://b",
            "chrome-extension://*.a", "chrome-extension://*:1", "capacitor:localhost", "http://",
        ])
    func problems(text: String) {
        #expect(throws: OriginPolicy.Problem.self) { try OriginPolicy(text) }
    }
}
