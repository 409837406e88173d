import FanfareTestKit
import Testing

@testable import FanfareServer

@Suite("Configuration: secrets")
struct ConfigurationSecretTests {
    @Test("the password of Redis is used and shown nowhere")
    func masked() async throws {
        let result = try await readConfiguration(environment: ["FANFARE_REDIS": "redis://me:hunter2@h:1/2"])
        #expect(result.configuration.redis.first?.password == "hunter2")
        #expect(!SettingsReport.table(result).contains("hunter2"))
        #expect(!(try SettingsReport.json(result)).contains("hunter2"))
        #expect(SettingsReport.table(result).contains("redis://me:***@h:1/2"))
    }

    @Test("passwords of several instances and of sentinels are shown nowhere")
    func maskedTopologies() async throws {
        let url =
            "redis://:hunter2@a redis+sentinel://:hunter2@b/m?sentinel-password=hunter2 redis+cluster://:hunter2@c"
        let result = try await readConfiguration(environment: ["FANFARE_REDIS": url])
        #expect(result.configuration.redis.map(\.password) == ["hunter2", "hunter2", "hunter2"])
        let shown =
            "redis://:***@a:6379 redis+sentinel://:***@b:26379/m?sentinel-password=*** redis+cluster://:***@c:6379"
        #expect(SettingsReport.table(result).contains(shown))
        #expect(!SettingsReport.table(result).contains("hunter2"))
        #expect(!(try SettingsReport.json(result)).contains("hunter2"))
    }

    @Test(
        "no problem with a URL quotes a part of it",
        arguments: [
            "redis://me:hunter2@h:x", "redis://me:hunter2/rest@h", "redis://h/hunter2", "redis://me:hunter2%zz@h",
            "redis+sentinel://:hunter2@h", "redis+sentinel://h/m?sentinel-password=hunter2%zz",
            "redis+sentinel://h/m?x=hunter2", "redis+cluster://h/hunter2", "redis://h rediss://:hunter2@h",
            "redis://a redis://:hunter2@h:x", "hunter2", "http://me:hunter2@h", "unix://hunter2", "unix:///s?hunter2",
            "redis://me@hunter2:x",
        ])
    func brokenURLs(url: String) async {
        let problems = await configurationProblems(environment: ["FANFARE_REDIS": url])
        #expect(problems.count == 1)
        #expect(problems.allSatisfy { $0.hasPrefix("variable FANFARE_REDIS: ***") && !$0.contains("hunter2") })
    }

    @Test(
        "no problem with a file quotes a line of it",
        arguments: [
            ("c.yaml", "redis: \"redis://me:hunter2@h\nport: 1"), ("c.yaml", "redis: redis://me:hunter2@h: 1\n"),
            ("c.yaml", "redis: [redis://me:hunter2@h]\n"), ("c.yaml", "redis:redis://me:hunter2@h\n"),
            ("c.yaml", "port: 1\nredis: redis://me:hunter2@h\nport: 2\n"), ("c.json", #"{"redis": "redis://hunter2@h"#),
            ("c.json", #"{'redis': 'redis://me:hunter2@h'}"#),
        ])
    func brokenFiles(name: String, text: String) async throws {
        try await withConfigurationFile(name, text) { path in
            let problems = await configurationProblems(file: path)
            #expect(problems.count == 1, "\(problems)")
            #expect(problems.allSatisfy { !$0.contains("hunter2") && $0.contains(path) }, "\(problems)")
        }
    }
}
