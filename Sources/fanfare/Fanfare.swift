import ArgumentParser
import FanfareServer

/// The command line.
struct Fanfare: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fanfare",
        abstract: "A real-time fan-out server: many WebSocket clients, many nodes, one Redis.",
        version: FanfareVersion.string,
        subcommands: [Serve.self, Config.self, Token.self, Health.self, Bench.self, Echo.self])
}
