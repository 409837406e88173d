import FanfareTestKit
import Foundation
import Testing

/// Runs a script of this folder with the tests' Python.
func run(
    _ script: String, _ arguments: String..., environment: [String: String] = [:], within limit: Duration
) async throws -> String {
    let check = try start(script, arguments, environment: environment)
    do {
        let status = try await check.waitForExit(within: limit)
        #expect(status == 0, "\(check.log)")
        return check.log
    } catch {
        await check.stop()
        throw error
    }
}

/// Starts one that its test has something to do for meanwhile.
func start(_ script: String, _ arguments: [String], environment: [String: String] = [:]) throws -> ChildProcess {
    let python = Repository.path + "/.venv/bin/python"
    try #require(FileManager.default.isExecutableFile(atPath: python), "run Deploy/install test")
    return try ChildProcess(
        // No compiled files: they would lie among the sources of a target.
        python, ["-B", Repository.path + "/Tests/ConformanceTests/" + script] + arguments, environment: environment,
        name: script)
}
