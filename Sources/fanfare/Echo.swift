import ArgumentParser
import FanfareServer

/// `fanfare echo`: a node in which every WebSocket, on any path, gets its own messages back.
///
/// For conformance suites: bytes take the way that they take in `serve`, from the listener to the frame encoder.
struct Echo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs a node that sends every message back to its sender, for conformance suites.",
        discussion: "Takes the same options as serve.", shouldDisplay: false)

    @OptionGroup var options: SettingOptions
    @Flag(help: "Serve what the SockJS protocol suite drives: /echo, /close and others.") var sockjs = false

    func run() async throws {
        let result = try await options.read()
        var configuration = result.configuration
        configuration.echo = true
        configuration.sockJSEcho = sockjs
        do {
            try await FanfareNode.run(configuration: configuration, warnings: result.warnings)
        } catch let error as NodeStartError {
            throw Exit.failed("\(error)", code: .failure)
        }
    }
}
