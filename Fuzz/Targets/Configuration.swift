import Dispatch
import Foundation

@testable import FanfareServer

extension FuzzTarget {
    /// Configuration files: a configuration, or all that is wrong with it, and never a secret in it.
    static let configuration = FuzzTarget(name: "configuration", maxBytes: 1_024) { input in
        var input = input
        let path = ConfigurationPlace.shared.path(isJSON: input.bool())
        _ = FileManager.default.createFile(atPath: path, contents: Data(input.rest))
        let machine = Machine(hostName: "h", cores: 2, maxOpenFiles: 1_000_000)
        let reader = ConfigurationReader(
            flags: [:], environment: ["FANFARE_TOKEN_HMAC_SECRET": "Fuzz-s3cret"], file: path, machine: machine)
        let text = blocking { () async -> String in
            do {
                let result = try await reader.read()
                expect(result.entries.count == Setting.all.count, "\(result.entries.count) entries")
                return result.entries.map(\.text).joined() + (result.warnings + result.dangers).joined()
            } catch let problems as ConfigurationProblems {
                expect(!problems.problems.isEmpty, "refused without a reason")
                return problems.problems.joined() + problems.warnings.joined()
            } catch {
                fatalError("another error: \(error)")
            }
        }
        expect(!text.holds("Fuzz-s3cret") || input.remainder.holds("Fuzz-s3cret"), "a secret is shown")
    }
}

/// A directory of this process, which is removed with it.
private struct ConfigurationPlace: Sendable {
    static let shared = ConfigurationPlace()
    private let directory: String

    private init() {
        let root = FileManager.default.fileExists(atPath: "/dev/shm") ? "/dev/shm" : NSTemporaryDirectory()
        directory = root + "/fanfare-fuzz-\(ProcessInfo.processInfo.processIdentifier)"
        try? FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        atexit { try? FileManager.default.removeItem(atPath: ConfigurationPlace.shared.directory) }
    }

    func path(isJSON: Bool) -> String { directory + (isJSON ? "/c.json" : "/c.yaml") }
}
