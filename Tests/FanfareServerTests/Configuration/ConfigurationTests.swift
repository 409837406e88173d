import FanfareCore
import Foundation
import Support
import Testing

@testable import FanfareServer

@Suite("Configuration")
struct ConfigurationTests {
    private let machine = Machine(hostName: "box", cores: 4, maxOpenFiles: 100_000)

    private func read(
        flags: [String: String] = [:], environment: [String: String] = [:], file: String? = nil
    ) async throws -> ConfigurationReader.Result {
        try await ConfigurationReader(flags: flags, environment: environment, file: file, machine: machine).read()
    }

    private func problems(
        flags: [String: String] = [:], environment: [String: String] = [:], file: String? = nil
    ) async -> [String] {
        do {
            _ = try await read(flags: flags, environment: environment, file: file)
            return []
        } catch {
            return (error as? ConfigurationProblems)?.problems ?? ["\(error)"]
        }
    }

    private func withFile(_ name: String, _ text: String, _ body: (String) async throws -> Void) async throws {
        let path = NSTemporaryDirectory() + "fanfare-\(UInt64.random(in: 0...UInt64.max))-\(name)"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await body(path)
    }

    @Test("without anything the documented defaults are in force")
    func defaults() async throws {
        let result = try await read()
        let configuration = result.configuration
        #expect(configuration.port == 8_000 && configuration.adminPort == 9_000)
        #expect(configuration.adminHost == "127.0.0.1")
        #expect(configuration.limits == Limits())
        #expect(configuration.keepAlive == KeepAlive())
        #expect(configuration.redis == nil && !configuration.dev && configuration.effectiveAnonymous == .none)
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
        try await withFile(name, text) { path in
            let result = try await read(
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

    @Test("all problems are told at once, each with its name and what is allowed")
    func allAtOnce() async throws {
        try await withFile("c.yaml", "max-conections: 5\nmax-channels: none\n") { path in
            let problems = await problems(
                flags: ["port": "70000", "ping-interval": "soon"], environment: ["FANFARE_DRAIN": "5"], file: path)
            #expect(problems.count == 5, "\(problems)")
            #expect(problems.contains { $0.contains("flag --port") && $0.contains("70000") && $0.contains("0–65535") })
            #expect(problems.contains { $0.contains("flag --ping-interval") && $0.contains("off") })
            #expect(problems.contains { $0.contains("variable FANFARE_DRAIN") })
            #expect(problems.contains { $0.contains("max-channels") && $0.contains("none") })
            #expect(problems.contains { $0.contains("max-conections") && $0.contains("did you mean max-connections?") })
        }
    }

    @Test("values that do not fit each other are problems")
    func crossChecks() async {
        #expect(await problems(flags: ["ping-interval": "70s"]).first?.contains("nginx") == true)
        #expect(await problems(flags: ["ping-interval": "67s"]).isEmpty)
        #expect(await problems(flags: ["pong-timeout": "30s"]).first?.contains("shorter") == true)
        #expect(await problems(flags: ["ping-interval": "off", "pong-timeout": "30s"]).isEmpty)
        #expect(await problems(flags: ["max-message-bytes": "2MiB"]).first?.contains("max-queue-bytes") == true)
        #expect(await problems(flags: ["admin-port": "8000"]).count == 1)
        #expect(await problems(flags: ["max-connections": "99000"]).first?.contains("open files") == true)
        #expect(await problems(flags: ["max-header-field-bytes": "20000"]).count == 1)
        #expect(await problems(flags: ["node-name": "a\r\nb"]).count == 1)
    }

    @Test("defaults follow the number of files that the system allows")
    func openFiles() async throws {
        let small = Machine(hostName: "b", cores: 1, maxOpenFiles: 1_024)
        let result = try await ConfigurationReader(flags: [:], environment: [:], file: nil, machine: small).read()
        let limits = result.configuration.limits
        #expect(limits.maxConnections + limits.maxPendingConnections + 100 <= 1_024 && limits.maxConnections > 500)
        #expect(result.entries.first { $0.setting.name == "max-connections" }?.origin.contains("1024") == true)
    }

    @Test("the Redis password is shown nowhere")
    func secrets() async throws {
        let result = try await read(environment: ["FANFARE_REDIS": "redis://me:hunter2@h:1/2"])
        #expect(result.configuration.redis?.password == "hunter2")
        #expect(!SettingsReport.table(result).contains("hunter2"))
        #expect(!(try SettingsReport.json(result)).contains("hunter2"))
        #expect(SettingsReport.table(result).contains("redis://me:***@h:1/2"))
        let bad = await problems(environment: ["FANFARE_REDIS": "redis://me:hunter2@h:x"])
        #expect(bad.count == 1 && !bad[0].contains("hunter2"))
    }

    @Test("unknown variables are pointed out with the name that was meant")
    func unknownVariables() async throws {
        let warnings = try await read(environment: ["FANFARE_MAX_CONECTIONS": "5", "FANFARE_XYZZY": "1", "OTHER": "x"])
            .warnings
        #expect(warnings.count == 2)
        #expect(warnings[0].contains("did you mean FANFARE_MAX_CONNECTIONS?"))
        #expect(!warnings[1].contains("did you mean"))
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

    @Test("every setting has a line of help, a range, a flag and a variable of its own")
    func table() {
        #expect(Set(Setting.all.map(\.name)).count == Setting.all.count)
        for setting in Setting.all {
            #expect(setting.help.hasSuffix(".") && !setting.range.isEmpty, "\(setting.name)")
            #expect(setting.variable == "FANFARE_" + setting.name.uppercased().replacing("-", with: "_"))
        }
    }

    @Test("the table in docs/configuration.md is the one in the code")
    func documentation() throws {
        let text = try String(contentsOfFile: Repository.path + "/docs/configuration.md", encoding: .utf8)
        #expect(text.contains(SettingsReport.markdown), "run: fanfare config --markdown")
    }
}
