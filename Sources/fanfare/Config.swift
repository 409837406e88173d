import ArgumentParser
import FanfareServer

/// `fanfare config`.
struct Config: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows the settings in force and where each comes from; secrets are masked.",
        discussion: "Takes the same options as serve. Ends with status 78 and all problems at once when there are any.")

    @Flag(help: "As JSON.") var json = false
    @Flag(help: "All settings as a table for the documentation.") var markdown = false
    @OptionGroup var options: SettingOptions

    func run() async throws {
        if markdown { return print(SettingsReport.markdown) }
        let result = try await options.read()
        print(json ? try SettingsReport.json(result) : SettingsReport.table(result))
        for warning in result.warnings { StandardError.write("warning: \(warning)\n") }
    }
}
