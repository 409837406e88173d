import FanfareTestKit

/// A program that runs to its end.
enum Command {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    @discardableResult
    static func run(_ words: String...) async throws -> String { try await run(words) }

    @discardableResult
    static func run(_ words: [String]) async throws -> String {
        let child = try ChildProcess(words[0], Array(words.dropFirst()), name: words[0])
        guard try await child.waitForExit() == 0 else {
            throw Failure(description: "\(words.joined(separator: " ")): \(child.log)")
        }
        return child.log
    }
}
