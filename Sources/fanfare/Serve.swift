import ArgumentParser
import FanfareServer

/// `fanfare serve`.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs one node.",
        discussion: """
            Every option can also be set by a variable (in brackets) or in a YAML or JSON file; an option wins over a \
            variable, a variable over the file. SIGTERM drains the node, a second one ends it at once.

              fanfare serve --dev                           one node alone, open to all
              fanfare serve --redis redis://127.0.0.1:6379  one of several nodes
              fanfare config                                what is in force, and why
            """)

    @OptionGroup var options: SettingOptions

    func run() async throws {
        let result = try await options.read()
        do {
            try await FanfareNode.run(configuration: result.configuration, warnings: result.remarks)
        } catch let error as NodeStartError {
            throw Exit.failed("\(error)", code: .failure)
        }
    }
}

/// Ends the command with a message that is no usage text.
enum Exit {
    /// sysexits.h: something is wrong with the configuration.
    static let badConfiguration = ExitCode(78)

    static func failed(_ message: String, code: ExitCode) -> ExitCode {
        StandardError.write("error: \(message)\n")
        return code
    }
}
