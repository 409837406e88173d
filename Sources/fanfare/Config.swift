import ArgumentParser
import FanfareServer

/// `fanfare config`.
struct Config: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows the settings in force and where each comes from; secrets are masked.",
        discussion: "Takes the same options as serve. Ends with status 78 and all problems at once when there are any.",
        subcommands: [ConfigCheck.self])

    @Flag(help: "As JSON.") var json = false
    @Flag(help: "All settings as a table for the documentation.") var markdown = false
    @OptionGroup var options: SettingOptions

    func run() async throws {
        if markdown { return print(SettingsReport.markdown) }
        let result = try await options.read()
        print(json ? try SettingsReport.json(result) : SettingsReport.table(result))
        for warning in result.remarks { StandardError.write("warning: \(warning)\n") }
    }
}

/// `fanfare config check`.
struct ConfigCheck: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Says what is wrong, odd or dangerous about the settings.",
        discussion: """
            Takes the same options as serve and starts nothing. Ends with status 0 when a node would start, with --strict \
            only when nothing is odd or dangerous either; else with 1, and with 78 when a node would not start.
            """)

    @Flag(help: "Fail for warnings too.") var strict = false
    @OptionGroup var options: SettingOptions

    func run() async throws {
        let result = try await options.read()
        let warnings = result.remarks
        for warning in warnings { print("warning: \(warning)") }
        print(warnings.isEmpty ? "nothing to say against it" : "a node would start; warnings: \(warnings.count)")
        if strict, !warnings.isEmpty { throw ExitCode.failure }
    }
}
