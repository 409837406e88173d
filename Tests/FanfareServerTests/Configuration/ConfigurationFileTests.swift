import FanfareTestKit
import Foundation
import Testing

@testable import FanfareServer

@Suite("Configuration: files")
struct ConfigurationFileTests {
    @Test("what YAML would read as something else is taken as it is written")
    func asWritten() async throws {
        let text =
            "ping-interval: off\ndev: yes\nnode-name: 010\nredis-prefix: \"010:\"\nredis: redis://h\nloops: '3'\n"
        try await withConfigurationFile("c.yml", text) { path in
            let configuration = try await readConfiguration(file: path).configuration
            #expect(configuration.keepAlive.pingInterval == nil)
            #expect(configuration.dev)
            #expect(configuration.nodeName == "010")
            #expect(configuration.redis.first?.prefix == "010:")
            #expect(configuration.loops == 3)
        }
    }

    @Test("JSON's numbers and switches are no text, and not each other")
    func json() async throws {
        let text = "{\n\t\"port\": 1, \"dev\": true, \"direct-write\": false, \"max-queue-bytes\": \"2MiB\"}"
        try await withConfigurationFile("c.json", text) { path in
            let configuration = try await readConfiguration(file: path).configuration
            #expect(configuration.port == 1 && configuration.dev && !configuration.directWrite)
            #expect(configuration.limits.maxQueueBytes == 2_097_152)
        }
        try await withConfigurationFile("c.json", #"{"port": true, "loops": 1.5, "max-channels": 1e2}"#) { path in
            #expect(await configurationProblems(file: path).count == 3)
        }
    }

    @Test(
        "a value that is no single value is told once, and never taken for absent",
        arguments: [
            ("c.yaml", "port: [1]\n"), ("c.yaml", "port: {a: 1}\n"), ("c.yaml", "port:\n"), ("c.yaml", "port: ~\n"),
            ("c.yaml", "port: [[1]]\n"), ("c.json", #"{"port": [1]}"#), ("c.json", #"{"port": {"a": 1}}"#),
            ("c.json", #"{"port": null}"#), ("c.json", #"{"port": []}"#),
        ])
    func notSingle(name: String, text: String) async throws {
        try await withConfigurationFile(name, text) { path in
            let problems = await configurationProblems(file: path)
            #expect(problems.count == 1 && problems[0].contains(path), "\(problems)")
        }
    }

    @Test("unknown keys are problems, with the name that was meant", arguments: ["c.yaml", "c.json"])
    func unknownKeys(name: String) async throws {
        try await withConfigurationFile(name, #"{"max-conections": 1, "limits": {"port": 1}, "maxChannels": 2}"#) {
            path in
            let problems = await configurationProblems(file: path)
            #expect(problems.count == 3)
            #expect(problems.contains("file \(path), max-conections: no such setting; did you mean max-connections?"))
            #expect(problems.contains { $0.contains("maxChannels: no such setting; did you mean max-channels?") })
            #expect(problems.contains { $0.contains("limits: no such setting") })
        }
    }

    @Test("a YAML file may hold nothing but comments", arguments: ["", "# nothing yet\n", "---\n"])
    func empty(text: String) async throws {
        try await withConfigurationFile("c.yaml", text) { path in
            let port = try await readConfiguration(file: path).configuration.port
            #expect(port == 8_000)
        }
    }

    @Test(
        "a file that is none says why",
        arguments: [
            ("c.yaml", "- a\n", "must be a map"), ("c.yaml", "port\n", "must be a map"),
            ("c.yaml", "a: b: c\n", "line 1, column 5"), ("c.yaml", "port: 1\nport: 2\n", "given twice: port"),
            ("c.json", "", "is not JSON"), ("c.json", "port: 1\n", "is not JSON"), ("c.json", "[1]", "must be a map"),
            ("c.toml", "port = 1\n", "must end with .yaml, .yml or .json"),
        ])
    func notConfiguration(name: String, text: String, reason: String) async throws {
        try await withConfigurationFile(name, text) { path in
            let problems = await configurationProblems(file: path)
            #expect(problems.count == 1)
            #expect(problems.allSatisfy { $0.hasPrefix("file \(path): ") && $0.contains(reason) }, "\(problems)")
        }
    }

    @Test("a file that can't be read or is far too long says so")
    func unreadable() async throws {
        #expect(
            await configurationProblems(environment: ["FANFARE_CONFIG": "/no/such.yaml"])
                == ["file /no/such.yaml: can't be read: No such file or directory"])
        try await withConfigurationFile("c.yaml", String(repeating: "# comment\n", count: 200_000)) { path in
            #expect(await configurationProblems(file: path) == ["file \(path): is longer than 1MiB"])
        }
        let path = NSTemporaryDirectory() + "fanfare-\(UInt64.random(in: 0...UInt64.max)).yaml"
        try Data([0x61, 0x3A, 0xFF]).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(await configurationProblems(file: path).first?.contains("not UTF-8") == true)
    }

    @Test("--config wins over FANFARE_CONFIG")
    func whichFile() async throws {
        try await withConfigurationFile("c.yaml", "port: 1\n") { path in
            let environment = ["FANFARE_CONFIG": "/no/such.yaml"]
            let port = try await readConfiguration(environment: environment, file: path).configuration.port
            #expect(port == 1)
        }
    }
}
