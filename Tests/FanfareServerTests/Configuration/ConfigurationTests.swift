import FanfareCore
import FanfareTestKit
import Foundation
import Testing

@testable import FanfareServer

@Suite("Configuration")
struct ConfigurationTests {
    @Test("without anything the documented defaults are in force")
    func defaults() async throws {
        let result = try await readConfiguration()
        let configuration = result.configuration
        #expect(configuration.port == 8_000 && configuration.adminPort == 9_000)
        #expect(configuration.adminHost == "127.0.0.1")
        #expect(configuration.limits == Limits())
        #expect(configuration.keepAlive == KeepAlive())
        #expect(configuration.redis.isEmpty && !configuration.dev && configuration.effectiveAnonymous == .none)
        #expect(configuration.nodeName == "box" && configuration.loops == 4)
        for entry in result.entries where entry.text == entry.setting.defaultText && !entry.text.isEmpty {
            #expect(entry.setting.kind.read(entry.text) != nil, "the default of \(entry.setting.name) is not allowed")
        }
    }

    @Test("flags win over variables, variables over the file, the file over defaults", arguments: ["c.yaml", "c.json"])
    func precedence(name: String) async throws {
        let text =
            name.hasSuffix("json")
            ? #"{"port": 1, "admin-port": 2, "max-channels": 3, "dev": true, "ping-interval": "20s"}"#
            : "port: 1\nadmin-port: 2\nmax-channels: 3\ndev: true\nping-interval: 20s\n"
        try await withConfigurationFile(name, text) { path in
            let result = try await readConfiguration(
                flags: ["port": "10"], environment: ["FANFARE_PORT": "20", "FANFARE_ADMIN_PORT": "21"], file: path)
            let configuration = result.configuration
            #expect(configuration.port == 10)
            #expect(configuration.adminPort == 21)
            #expect(configuration.limits.maxChannelsPerClient == 3)
            #expect(configuration.dev && configuration.effectiveAnonymous == .publish)
            #expect(configuration.keepAlive.pingInterval == .seconds(20))
            let origins = Dictionary(uniqueKeysWithValues: result.entries.map { ($0.setting.name, $0.origin) })
            #expect(origins["port"] == "flag --port")
            #expect(origins["admin-port"] == "variable FANFARE_ADMIN_PORT")
            #expect(origins["max-channels"] == "file \(path), max-channels")
            #expect(origins["drain"] == "default")
        }
    }

    @Test("a port that Kubernetes set for a Service of the node's name is told with the cure")
    func serviceLinks() async {
        let problems = await configurationProblems(
            environment: ["FANFARE_PORT": "tcp://10.0.0.1:80", "FANFARE_ADMIN_PORT": "tcp://10.0.0.2:9000"])
        #expect(problems.count == 2)
        for (problem, service) in zip(problems, ["fanfare", "fanfare-admin"]) {
            #expect(
                problem.contains(
                    "is not a whole number; allowed: 0–65535; Kubernetes sets it for a Service called \(service): "))
            #expect(problem.contains("enableServiceLinks: false"))
        }
    }

    @Test("all problems are told at once, each with its name and what is allowed")
    func allAtOnce() async throws {
        try await withConfigurationFile("c.yaml", "max-conections: 5\nmax-channels: none\n") { path in
            let problems = await configurationProblems(
                flags: ["port": "70000", "ping-interval": "soon"], environment: ["FANFARE_DRAIN": "5"], file: path)
            #expect(problems.count == 5, "\(problems)")
            #expect(problems.contains { $0.contains("flag --port") && $0.contains("70000") && $0.contains("0–65535") })
            #expect(problems.contains { $0.contains("flag --ping-interval") && $0.contains("off") })
            #expect(problems.contains { $0.contains("variable FANFARE_DRAIN") })
            #expect(problems.contains { $0.contains("max-channels") && $0.contains("none") })
            #expect(problems.contains { $0.contains("max-conections") && $0.contains("did you mean max-connections?") })
        }
    }

    @Test("unknown variables are pointed out with the name that was meant")
    func unknownVariables() async throws {
        let warnings = try await readConfiguration(environment: [
            "FANFARE_MAX_CONECTIONS": "5", "FANFARE_XYZZY": "1", "OTHER": "x",
        ])
        .warnings
        #expect(warnings.count == 2)
        #expect(warnings[0].contains("did you mean FANFARE_MAX_CONNECTIONS?"))
        #expect(!warnings[1].contains("did you mean"))
    }

    @Test("unknown variables are pointed out beside problems too, as no problem")
    func unknownBesideProblems() async throws {
        let error = await #expect(throws: ConfigurationProblems.self) {
            try await readConfiguration(
                flags: ["drain": "5"], environment: ["FANFARE_MAX_CONECTIONS": "5"])
        }
        #expect(error?.problems.count == 1)
        #expect(error?.description.contains("warning: variable FANFARE_MAX_CONECTIONS") == true)
    }

    @Test("what is given and changes nothing is pointed out")
    func withoutEffect() async throws {
        let prefix = ["FANFARE_REDIS_PREFIX": "x:"]
        let alone = try await readConfiguration(environment: prefix).warnings
        #expect(alone == ["variable FANFARE_REDIS_PREFIX has no effect: there is no redis"])
        #expect(try await readConfiguration(flags: ["redis": "redis://h"], environment: prefix).warnings.isEmpty)
    }

    @Test("a problem says what is wrong with the value, not only what is allowed")
    func reasons() async {
        let expected = [
            "port": ("x", "'x' is not a whole number; allowed: 0–65535"),
            "loops": ("64", "'64' is out of range; allowed: 1–63"),
            "drain": ("5", "'5' is not a duration, as in 500ms, 25s or 1m30s; allowed: 0–10m"),
            "max-queue-bytes": ("1KB", "'1KB' is not a number of bytes, as in 65536 or 64KiB; allowed: 1KiB–1GiB"),
            "dev": ("maybe", "'maybe' is neither true nor false; allowed: true, false"),
            "anonymous": ("all", "'all' is none of the words; allowed: none, subscribe, publish"),
            "host": ("", "'' is empty; allowed: IP address or host name"),
        ]
        let problems = await configurationProblems(flags: expected.mapValues(\.0))
        #expect(Set(problems) == Set(expected.map { "flag --\($0.key): \($0.value.1)" }))
    }

    @Test("pings are switched off by 'off' and by 0", arguments: ["off", "OFF", "0"])
    func noPings(text: String) async throws {
        let result = try await readConfiguration(flags: ["ping-interval": text, "pong-timeout": "30s"])
        #expect(result.configuration.keepAlive.pingInterval == nil)
    }

    @Test("the admin address alone is read with the same precedence, whatever else is wrong")
    func adminAddress() async throws {
        func address(
            _ flags: [String: String], _ environment: [String: String], _ file: String? = nil
        ) async throws -> String {
            let found = try await ConfigurationReader(flags: flags, environment: environment, file: file).adminAddress()
            return "\(found.host) \(found.port)"
        }
        try await withConfigurationFile("c.yaml", "admin-port: 1\nadmin-host: '::1'\n") { path in
            let broken = ["FANFARE_DRAIN": "soon"]
            let addresses = [
                try await address([:], broken), try await address([:], broken, path),
                try await address([:], ["FANFARE_ADMIN_PORT": "2", "FANFARE_CONFIG": path]),
                try await address(["admin-port": "3"], ["FANFARE_ADMIN_PORT": "2"], path),
                try await address(["admin-host": "h"], ["FANFARE_ADMIN_HOST": "::"], path),
                try await address([:], ["FANFARE_ADMIN_HOST": "::"]),
            ]
            #expect(addresses == ["127.0.0.1 9000", "::1 1", "::1 2", "::1 3", "h 1", ":: 9000"])
            for port in ["x", "0"] {
                let environment = ["FANFARE_ADMIN_PORT": port]
                await #expect(throws: ConfigurationProblems.self) { try await address([:], environment) }
            }
        }
    }

    @Test(
        "what was meant is the name with the fewest words that have no partner",
        arguments: [
            ("FANFARE_REDIS_URL", "FANFARE_REDIS"), ("FANFARE_REDIS_URI", "FANFARE_REDIS"),
            ("FANFARE_MAX_CONECTIONS", "FANFARE_MAX_CONNECTIONS"), ("FANFARE_PROT", "FANFARE_PORT"),
            ("FANFARE_JWT_SECRET", nil), ("FANFARE_ADMIN_KEYS", "FANFARE_ADMIN_API_KEYS"),
            ("FANFARE_TOKEN_SECRET", "FANFARE_TOKEN_HMAC_SECRET"), ("FANFARE_LOGLEVEL", "FANFARE_LOG_LEVEL"),
            ("FANFARE_ALLOWED_ORIGIN", "FANFARE_ALLOWED_ORIGINS"), ("FANFARE_XYZZY", nil),
        ])
    func meant(variable: String, meant: String?) async throws {
        let warnings = try await readConfiguration(environment: [variable: "1"]).warnings
        #expect(warnings.count == 1)
        let hint = meant.map { "; did you mean \($0)?" } ?? ""
        #expect(warnings.first == "variable \(variable) is not known and has no effect\(hint)")
    }

    @Test("a node that would refuse everybody says so, and what to set")
    func closedToAll() async throws {
        let empty = try await readConfiguration()
        let remark = try #require(empty.closedToAll)
        for word in ["401", "token-hmac-secret", "token-jwks", "token-public-key-file", "anonymous", "dev"] {
            #expect(remark.contains(word))
        }
        #expect(empty.remarks == [remark])
        let secret = String(repeating: "s", count: 32)
        for environment in [
            ["FANFARE_DEV": "true"], ["FANFARE_ANONYMOUS": "subscribe"], ["FANFARE_TOKEN_HMAC_SECRET": secret],
            ["FANFARE_TOKEN_JWKS": "https://idp.example.com/keys"],
        ] {
            #expect(try await readConfiguration(environment: environment).closedToAll == nil, "\(environment)")
        }
    }

    @Test("options and their values become one word each, whatever the value looks like")
    func arguments() {
        let missing = SettingArguments.missing
        let cases: [([String], [String])] = [
            (["serve", "--port", "abc", "--max-connections", "-3"], ["serve", "--port=abc", "--max-connections=-3"]),
            (["serve", "--port", "--dev"], ["serve", "--port=\(missing)", "--dev"]),
            (["serve", "--port"], ["serve", "--port=\(missing)"]),
            (["serve", "--port="], ["serve", "--port=\(missing)"]),
            (["serve", "--port", ""], ["serve", "--port=\(missing)"]),
            (["serve", "--port=1", "--host", "-x"], ["serve", "--port=1", "--host=-x"]),
            (["config", "check", "--strict", "--drain", "-1s"], ["config", "check", "--strict", "--drain=-1s"]),
            (["token", "create", "--user", "42"], ["token", "create", "--user", "42"]),
            (["serve", "--", "--port", "1"], ["serve", "--", "--port", "1"]),
            (["health", "--admin-port", "1"], ["health", "--admin-port", "1"]), ([], []),
        ]
        for (given, joined) in cases { #expect(SettingArguments.joined(given) == joined, "\(given)") }
        #expect(SettingArguments.bare.isSubset(of: Setting.all.map(\.name)))
    }

    @Test(
        "durations and sizes are read and written as people do",
        arguments: [
            ("25s", 25_000), ("500ms", 500), ("1m30s", 90_000), ("1h", 3_600_000), ("0", 0),
        ])
    func durations(text: String, milliseconds: Int) {
        #expect(SettingText.duration(text) == .milliseconds(milliseconds))
        #expect(SettingText.duration(.milliseconds(milliseconds)) == text)
    }

    @Test("a duration of more hours than there are is refused")
    func endlessDuration() {
        #expect(SettingText.duration(String(repeating: "999999999h", count: 2_563)) == nil)
    }

    @Test("what is no duration, size or switch is refused")
    func notValues() {
        for text in ["", "5", "s", "5x", "-5s", "5 s", "1.5s", "9999999999s"] {
            #expect(SettingText.duration(text) == nil, "\(text)")
        }
        for text in ["", "1KB", "x", "1.5MiB", "9999999999999GiB"] {
            #expect(SettingText.bytes(text) == nil, "\(text)")
        }
        #expect(SettingText.bytes("64KiB") == 65_536 && SettingText.bytes("1MiB") == 1_048_576)
        #expect(SettingText.flag("YES") == true && SettingText.flag("0") == false && SettingText.flag("2") == nil)
    }
}
