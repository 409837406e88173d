import FanfareTestKit
import Foundation

@testable import FanfareServer

/// A machine of the tests' own, so that no default depends on where they run.
let testMachine = Machine(hostName: "box", cores: 4, maxOpenFiles: 100_000)

/// Reads a configuration as the command line does.
func readConfiguration(
    flags: [String: String] = [:], environment: [String: String] = [:], file: String? = nil,
    machine: Machine = testMachine
) async throws -> ConfigurationReader.Result {
    try await ConfigurationReader(flags: flags, environment: environment, file: file, machine: machine).read()
}

/// What is wrong with a configuration; nothing when it is fine.
func configurationProblems(
    flags: [String: String] = [:], environment: [String: String] = [:], file: String? = nil,
    machine: Machine = testMachine
) async -> [String] {
    do {
        _ = try await readConfiguration(flags: flags, environment: environment, file: file, machine: machine)
        return []
    } catch {
        return (error as? ConfigurationProblems)?.problems ?? ["\(error)"]
    }
}

/// Runs `body` with the path of a file that holds `text` and is gone afterwards.
func withConfigurationFile<Value>(
    _ name: String, _ text: String, _ body: (String) async throws -> Value
) async throws -> Value {
    let path = NSTemporaryDirectory() + "fanfare-\(UInt64.random(in: 0...UInt64.max))-\(name)"
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await body(path)
}
