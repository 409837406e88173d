import FanfareCore
import FanfareRedis
import FanfareTestKit
import Foundation
import JWTKit
import Testing

@testable import FanfareServer

@Suite("Settings")
struct SettingTableTests {
    /// For every setting a value that is not its default and fits all others' defaults.
    private static let samples: [String: String] = [
        "tls-certificate": tlsPair?.certificate ?? "", "tls-key": tlsPair?.key ?? "", "tls-reload-interval": "11s",
        "http2": "off",
        "host": "127.0.0.3", "port": "8001", "admin-host": "127.0.0.4", "admin-port": "9001", "node-name": "n.1",
        "loops": "3", "redis": "redis://u:p@other:1/2", "redis-prefix": "x:",
        "redis-ca-file": Repository.path + "/Package.swift", "redis-timeout": "1500ms", "redis-probe-interval": "7s",
        "ping-interval": "24s", "pong-timeout": "7s", "drain": "1m1s", "anonymous": "subscribe", "dev": "true",
        "log-level": "debug", "direct-write": "off", "compression": "on",
        "compression-threshold": "99", "compression-client-context": "yes", "write-delay": "5ms",
        "allowed-origins": "https://a.example", "namespaces": "chat:history=10/1m recovery",
        "presence-ttl": "59s", "max-presence-members": "999", "max-api-presence-members": "9999",
        "max-connections": "999", "max-connections-per-user": "5",
        "max-connections-per-address": "6", "max-connect-rate-per-address": "8",
        "trusted-proxies": "private, 192.0.2.0/24",
        "client-address": "forwarded",
        "max-recovery": "50", "max-recovery-bytes": "2MiB",
        "slow-timeout": "7s", "poll-gap": "9s", "max-connect-rate": "77",
        "max-message-rate": "999", "max-byte-rate": "0", "max-publish-rate": "499", "max-subscribe-rate": "0",
        "max-read-rate": "127", "max-user-message-rate": "9", "max-user-publish-rate": "8",
        "max-pending-connections": "998", "max-pending-connections-per-address": "99", "max-admin-connections": "98",
        "max-message-bytes": "63KiB", "max-queue-bytes": "2MiB", "max-node-queue-bytes": "300MiB",
        "max-fragments": "77", "max-attachments": "9", "socketio-connect-timeout": "46s", "stomp-ack-timeout": "59s",
        "max-control-frames": "9", "message-timeout": "29s", "max-channels": "127", "max-filters": "255",
        "max-channel-bytes": "254",
        "max-commands": "63", "max-pending-commands": "255", "max-api-body-bytes": "3MiB", "retry-after": "3",
        "handshake-timeout": "9s", "first-command-timeout": "9s", "close-timeout": "1s",
        "sockjs-path": "/realtime", "sockjs-cookies": "on", "sockjs-client-url": "https://a.example/sockjs.js",
        "socketio-path": "/io", "socketio-emitters": "redis, python", "socketio-emitter-key": "io",
        "socketio-emitter-channels": "one,two",
        "users": "publish", "token-cookie": "session", "token-in-query": "on", "expired-grace": "26s",
        "max-token-bytes": "4KiB", "token-hmac-secret-file": secretFile,
        "token-hmac-secret": "0123456789abcdef0123456789abcdef b123456789abcdefb123456789abcdef",
        "token-public-key-file": keyFile, "token-jwks": "https://a.example/keys", "token-jwks-interval": "11s",
        "token-jwks-max-age": "6m", "token-algorithms": "ES256", "token-audience": "a", "token-issuer": "i",
        "token-leeway": "6s", "admin-api-keys": "0123456789abcdef b123456789abcdef", "admin-api-keys-file": secretFile,
        "admin-insecure": "on",
        "redis-file": redisFile, "admin-names": "ops.example", "max-header-field-bytes": "4KiB",
        "max-header-bytes": "15KiB",
        "max-header-fields": "63",
    ]

    private static let authority = try? TestAuthority()
    private static let tlsPair = try? authority?.issue("node")
    private static let secretFile = file(
        "secret", "  0123456789abcdef-of-a-file-01234 b123456789abcdef-of-a-file-01234\n")
    private static let redisFile = file("redis", "redis://u:p@another\n")
    private static let keyFile = file("key.pem", ES256PrivateKey().publicKey.pemRepresentation)

    /// A file for the settings that name one; made anew by every run, in the folder of what is built.
    private static func file(_ name: String, _ text: String) -> String {
        let folder = Repository.path + "/.build"
        // Not there where all was built elsewhere, as for a sanitizer.
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let path = folder + "/settings-\(name)"
        try? text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    @Test("every setting has a line of help, a range, a flag and a variable of its own")
    func table() {
        #expect(Set(Setting.all.map(\.name)).count == Setting.all.count)
        for setting in Setting.all {
            #expect(setting.help.hasSuffix(".") && !setting.range.isEmpty, "\(setting.name)")
            #expect(setting.variable == "FANFARE_" + setting.name.uppercased().replacing("-", with: "_"))
            let hasDefault =
                !setting.defaultText.isEmpty || setting.help.contains("Default:") || setting.name == "redis"
            #expect(hasDefault, "\(setting.name) says no default")
            #expect(!(setting.help + setting.range).contains { "|\n".contains($0) }, "\(setting.name) breaks the table")
        }
    }

    /// What a setting needs besides it to be valid and to show; `alone`: the same where the setting is not there.
    private static func company(of name: String) -> (alone: [String: String], with: [String: String]) {
        switch name {
        case "redis", "redis-file": ([:], [:])
        case "tls-certificate": ([:], ["FANFARE_TLS_KEY": tlsPair?.key ?? ""])
        case "tls-key": ([:], ["FANFARE_TLS_CERTIFICATE": tlsPair?.certificate ?? ""])
        default: (["FANFARE_REDIS": "redis://h"], ["FANFARE_REDIS": "redis://h"])
        }
    }

    @Test(
        "every setting is taken from a flag, a variable and both kinds of file, and arrives",
        arguments: Setting.all.map(\.name))
    func everySource(name: String) async throws {
        let setting = try #require(Setting.all.first { $0.name == name })
        let sample = try #require(Self.samples[name], "a new setting needs a sample")
        let nothing = try await readConfiguration(environment: Self.company(of: name).alone)
        let base = Self.company(of: name).with
        let flag = try await readConfiguration(flags: [name: sample], environment: base)
        let variable = try await readConfiguration(environment: base.merging([setting.variable: sample]) { $1 })
        // YAML reads a colon at the end as a map.
        let quoted = sample.hasSuffix(":") ? "\"\(sample)\"" : sample
        let yaml = try await withConfigurationFile("c.yaml", "\(name): \(quoted)\n") { path in
            try await readConfiguration(environment: base, file: path)
        }
        let json = try await withConfigurationFile("c.json", "{\"\(name)\": \"\(sample)\"}") { path in
            try await readConfiguration(environment: base, file: path)
        }
        #expect("\(flag.configuration)" != "\(nothing.configuration)", "it changes nothing")
        for (result, origin) in [(flag, "flag "), (variable, "variable "), (yaml, "file "), (json, "file ")] {
            #expect("\(result.configuration)" == "\(flag.configuration)")
            let origins = result.entries.filter { $0.origin.hasPrefix(origin) }.map(\.setting.name)
            #expect(origins.contains(name))
        }
    }

    @Test("the default that a setting shows is the one in force", arguments: Setting.all.map(\.name))
    func shownDefaults(name: String) async throws {
        let setting = try #require(Setting.all.first { $0.name == name })
        guard !setting.defaultText.isEmpty else { return }
        let redis = ["redis": "redis://h"]
        let nothing = try await readConfiguration(flags: redis)
        let given = try await readConfiguration(flags: redis.merging([name: setting.defaultText]) { $1 })
        #expect("\(given.configuration)" == "\(nothing.configuration)")
    }

    @Test("every setting takes the ends of its range and nothing beyond", arguments: Setting.all.map(\.name))
    func ranges(name: String) throws {
        let kind = try #require(Setting.all.first { $0.name == name }).kind
        let (good, bad): ([String], [String]) =
            switch kind {
            case .text: (["x"], [""])
            case .integer(let range), .bytes(let range):
                (
                    ["\(range.lowerBound)", "\(range.upperBound)"],
                    [
                        "\(range.lowerBound - 1)", "\(range.upperBound + 1)", "", "x", "1.5", "-1",
                        "99999999999999999999",
                    ]
                )
            case .duration(let range, let mayBeOff):
                (
                    [SettingText.duration(range.lowerBound), SettingText.duration(range.upperBound)]
                        + (mayBeOff ? ["off", "0"] : []),
                    [SettingText.duration(range.upperBound + .milliseconds(1)), "", "x", "1", "-1s"]
                        + (range.lowerBound > .zero
                            ? [SettingText.duration(range.lowerBound - .milliseconds(1))] : [])
                        + (mayBeOff ? [] : ["off"])
                )
            case .flag: (["true", "false", "1", "0", "yes", "NO", "On", "off"], ["", "2", "maybe"])
            case .choice(let words): (words + words.map { $0.uppercased() }, ["", "x", words.joined()])
            }
        for text in good { #expect(kind.read(text) != nil, "\(name) refuses \(text)") }
        for text in bad { #expect(kind.read(text) == nil, "\(name) takes '\(text)'") }
    }

    @Test("every limit can be set")
    func limits() async throws {
        let flags = Self.samples.filter { $0.key != "redis-ca-file" && !$0.key.hasSuffix("-file") }
        let changed = try await readConfiguration(flags: flags).configuration
        let pairs = [
            (Mirror(reflecting: Limits()), Mirror(reflecting: changed.limits)),
            (Mirror(reflecting: KeepAlive()), Mirror(reflecting: changed.keepAlive)),
        ]
        for (usual, set) in pairs {
            #expect(!usual.children.isEmpty)
            for (left, right) in zip(usual.children, set.children) {
                #expect("\(left.value)" != "\(right.value)", "no setting reaches \(left.label ?? "")")
            }
        }
    }

    @Test("every setting is an option of the command line")
    func options() throws {
        let source = try String(
            contentsOfFile: Repository.path + "/Sources/fanfare/SettingOptions.swift", encoding: .utf8)
        for setting in Setting.all {
            #expect(source.contains(".setting(\"\(setting.name)\")"), "\(setting.flag) is not declared")
            #expect(source.contains("(\"\(setting.name)\", "), "\(setting.flag) is not passed on")
        }
        #expect(source.split(separator: ".setting(\"").count - 1 == Setting.all.count)
    }

    @Test("the table in docs/configuration.md is the one in the code")
    func documentation() throws {
        let text = try String(contentsOfFile: Repository.path + "/docs/configuration.md", encoding: .utf8)
        let start = try #require(text.range(of: "<!-- settings -->\n"))
        let end = try #require(text.range(of: "<!-- /settings -->"))
        let table = text[start.upperBound..<end.lowerBound].trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(table == SettingsReport.markdown, "run: fanfare config --markdown")
    }
}
