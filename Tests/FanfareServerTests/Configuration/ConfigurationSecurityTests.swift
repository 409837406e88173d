import FanfareTestKit
import Testing

@testable import FanfareServer

@Suite("Configuration: security")
struct ConfigurationSecurityTests {
    /// What is dangerous about settings.
    private func dangers(_ flags: [String: String]) async throws -> [String] {
        // As variables: a secret on the command line is a danger of its own.
        let environment = Dictionary(
            uniqueKeysWithValues: flags.map { name, value in
                ("FANFARE_" + name.uppercased().replacing("-", with: "_"), value)
            })
        return try await readConfiguration(environment: environment).dangers
    }

    @Test("what ships and what the documentation recommends is not dangerous")
    func safe() async throws {
        let none = try await dangers([:])
        #expect(none == [])
        let secret = String(repeating: "x", count: 32)
        let tokens = try await dangers([
            "token-hmac-secret": secret, "redis": "redis://redis:6379", "admin-api-keys": secret,
            "admin-host": "0.0.0.0", "allowed-origins": "https://a.example", "token-cookie": "session",
        ])
        #expect(tokens == [])
        let local = try await dangers(["dev": "true", "host": "127.0.0.1", "redis": "redis://10.0.0.1"])
        #expect(local == [])
    }

    @Test(
        "each danger has a line that names the setting and quotes no secret",
        arguments: [
            (["dev": "true"], "FANFARE_DEV"), (["anonymous": "publish"], "FANFARE_ANONYMOUS"),
            (["allowed-origins": "*"], "FANFARE_ALLOWED_ORIGINS"),
            (["allowed-origins": "https://a.example,*"], "FANFARE_ALLOWED_ORIGINS"),
            (["admin-host": "0.0.0.0", "admin-insecure": "on"], "FANFARE_ADMIN_INSECURE"),
            (["token-in-query": "on"], "FANFARE_TOKEN_IN_QUERY"),
            (["trusted-proxies": "private, 0.0.0.0/0"], "FANFARE_TRUSTED_PROXIES"),
            (["token-jwks": "http://login.example/keys", "token-audience": "a"], "FANFARE_TOKEN_JWKS"),
            (["token-jwks": "https://login.example/keys"], "FANFARE_TOKEN_JWKS"),
            (["redis": "rediss://redis.example.com"], "FANFARE_REDIS"),
            (["redis": "redis://:hunter2@203.0.113.1"], "FANFARE_REDIS"),
            (["redis": "redis://:hunter2@[2001:db8::1]"], "FANFARE_REDIS"),
        ])
    func dangerous(settings: [String: String], variable: String) async throws {
        let found = try await dangers(settings)
        #expect(found.count == 1, "\(found)")
        #expect(found.allSatisfy { $0.hasPrefix("variable \(variable): ") && !$0.contains("hunter2") }, "\(found)")
    }

    @Test(
        "a secret that can be guessed keeps a node from starting, and is a danger with --dev",
        arguments: [
            (["admin-api-keys": "0123456789abcdef hunter2"], "FANFARE_ADMIN_API_KEYS", "7 bytes"),
            (["admin-api-keys": "h"], "FANFARE_ADMIN_API_KEYS", "1 byte,"),
            (["admin-api-keys": "hunter2hunter23"], "FANFARE_ADMIN_API_KEYS", "at least 16"),
            (["token-hmac-secret": "hunter2"], "FANFARE_TOKEN_HMAC_SECRET", "HS256 needs at least 32"),
            (
                ["token-hmac-secret": "0123456789abcdef0123456789abcdef hunter2hunter2hunter2hunter2hun"],
                "FANFARE_TOKEN_HMAC_SECRET", "31 bytes"
            ),
            (
                ["token-hmac-secret": "hunter2hunter2hunter2hunter2hunter2hunter2hunte", "token-algorithms": "HS384"],
                "FANFARE_TOKEN_HMAC_SECRET", "HS384 needs at least 48"
            ),
            (
                ["token-hmac-secret": "hunter2hunter2hunter2hunter2hunter2hunter2", "token-algorithms": "HS256 HS512"],
                "FANFARE_TOKEN_HMAC_SECRET", "HS512 needs at least 64"
            ),
        ])
    func weak(settings: [String: String], variable: String, words: String) async throws {
        var environment = Dictionary(
            uniqueKeysWithValues: settings.map { name, value in
                ("FANFARE_" + name.uppercased().replacing("-", with: "_"), value)
            })
        let problems = await configurationProblems(environment: environment)
        #expect(problems.count == 1 && problems[0].hasPrefix("variable \(variable): *** "), "\(problems)")
        #expect(problems[0].contains(words) && problems[0].contains("openssl rand -hex 32"), "\(problems)")
        #expect(!problems[0].contains("hunter"), "\(problems)")
        environment["FANFARE_DEV"] = "true"
        environment["FANFARE_HOST"] = "127.0.0.1"
        let found = try await readConfiguration(environment: environment).dangers
        #expect(found == problems)
    }

    @Test("secrets of the least length start a node")
    func strong() async throws {
        let key = "0123456789abcdef"
        for (secret, algorithms) in [
            (key + key, "HS256"), (key + key + key, "HS256 HS384"), (key + key + key + key, "HS512"), (key, "ES256"),
        ] {
            let problems = await configurationProblems(environment: [
                "FANFARE_TOKEN_HMAC_SECRET": secret, "FANFARE_TOKEN_ALGORITHMS": algorithms,
                "FANFARE_ADMIN_API_KEYS": key,
            ])
            #expect(problems == [], "\(algorithms)")
        }
    }

    @Test("a secret on the command line is pointed out, an URL without a password is none")
    func processList() async throws {
        let found = try await readConfiguration(flags: [
            "token-hmac-secret": "0123456789abcdef0123456789abcdef", "redis": "redis://:hunter2@h",
        ]).dangers
        #expect(found.count == 2 && found.allSatisfy { $0.hasPrefix("flag --") && !$0.contains("hunter2") })
        let plain = try await readConfiguration(flags: ["redis": "redis://h"]).dangers
        #expect(plain == [])
    }

    @Test("an admin port that others reach needs a key, or that somebody says no")
    func adminPort() async throws {
        for host in ["0.0.0.0", "::", "10.0.0.1", "node.example", "203.0.113.1"] {
            let problems = await configurationProblems(flags: ["admin-host": host])
            #expect(problems.count == 1 && problems[0].hasPrefix("flag --admin-host: \(host) opens"), "\(problems)")
            let keyed = await configurationProblems(flags: ["admin-host": host, "admin-api-keys": "0123456789abcdef"])
            let insecure = await configurationProblems(flags: ["admin-host": host, "admin-insecure": "on"])
            #expect(keyed == [] && insecure == [])
        }
        for host in ["127.0.0.1", "127.1.2.3", "::1", "localhost"] {
            let problems = await configurationProblems(flags: ["admin-host": host])
            #expect(problems == [])
        }
    }

    @Test("a secret may stand in a file; white space around it does not count")
    func files() async throws {
        let (one, two) = (String(repeating: "1", count: 32), String(repeating: "2", count: 32))
        try await withConfigurationFile("secret", "\n \(one) \(two) \r\n") { path in
            let result = try await readConfiguration(flags: ["token-hmac-secret-file": path])
            #expect(result.configuration.tokens.secrets.map(\.value) == [one, two])
            let shown = result.entries.first { $0.setting.name == "token-hmac-secret" }
            #expect(shown?.text == "***" && shown?.origin == "file \(path)")
            let both = await configurationProblems(flags: [
                "token-hmac-secret-file": path, "token-hmac-secret": "hunter2-0123456789abcdef0123456789",
            ])
            #expect(both.count == 1 && both[0].contains("one value too many") && !both[0].contains("hunter2"))
        }
        try await withConfigurationFile("redis", "redis://:hunter2@h:1\n") { path in
            let result = try await readConfiguration(flags: ["redis-file": path])
            #expect(result.configuration.redis.first?.password == "hunter2")
            #expect(!SettingsReport.table(result).contains("hunter2"))
        }
        try await withConfigurationFile("broken", "redis://:hunter2@h:x\n") { path in
            let problems = await configurationProblems(flags: ["redis-file": path])
            #expect(problems.count == 1 && !problems[0].contains("hunter2") && problems[0].contains(path))
        }
        try await withConfigurationFile("empty", "\n") { path in
            let problems = await configurationProblems(flags: ["admin-api-keys-file": path])
            #expect(problems == ["flag --admin-api-keys-file: '\(path)' holds nothing"])
        }
        let missing = await configurationProblems(flags: ["admin-api-keys-file": "/no/such/file"])
        #expect(missing.count == 1)
    }

    @Test("keys that can't be used are told before the start, without a part of them")
    func keys() async throws {
        let pem = "-----BEGIN PUBLIC KEY-----hunter2"
        let secret = await configurationProblems(environment: ["FANFARE_TOKEN_HMAC_SECRET": pem])
        #expect(secret.contains { $0.contains("is a PEM file, not a secret") }, "\(secret)")
        #expect(!secret.joined().contains("hunter2"))
        try await withConfigurationFile("k.pem", "hunter2") { path in
            let problems = await configurationProblems(flags: ["token-public-key-file": path])
            #expect(problems == ["flag --token-public-key-file: '\(path)' holds no PEM block"])
        }
        let set = await configurationProblems(flags: ["token-jwks": "/no/such/file"])
        #expect(set.count == 1 && set[0].hasPrefix("flag --token-jwks: "))
        for words in ["none", "HS256 none", "hs256", "RS512", ","] {
            let problems = await configurationProblems(flags: ["token-algorithms": words])
            #expect(problems.count == 1, "\(words)")
        }
        let cookie = await configurationProblems(flags: ["token-cookie": "a=b"])
        #expect(cookie.count == 1)
    }

    @Test(
        "where SockJS and Socket.IO are, are two paths, and SockJS' script comes from where nobody on the way changes it"
    )
    func sockJS() async throws {
        for setting in ["sockjs-path", "socketio-path"] {
            for path in ["sockjs", "/", "/sockjs/", "//a", "/a b", "/a?b", "/é"] {
                let problems = await configurationProblems(flags: [setting: path])
                #expect(problems.count == 1 && problems[0].hasPrefix("flag --\(setting): "), "\(path): \(problems)")
            }
        }
        #expect(await configurationProblems(flags: ["socketio-path": "/sockjs"]).count == 1)
        #expect(await configurationProblems(flags: ["socketio-path": "off", "sockjs-path": "off"]).isEmpty)
        for url in ["http://a.example/s.js", "https://", "javascript:x", "/a\"><script>", "https://a/'"] {
            let problems = await configurationProblems(flags: ["sockjs-client-url": url])
            #expect(problems.count == 1 && problems[0].hasPrefix("flag --sockjs-client-url: "), "\(url): \(problems)")
        }
        for url in ["/s.js", "https://a.example:8443/s@1.2/s.js", "http://127.0.0.1:80/s.js"] {
            #expect(await configurationProblems(flags: ["sockjs-client-url": url]).isEmpty, "\(url)")
        }
    }
}
