import ArgumentParser
import FanfareServer

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// `fanfare health`.
struct Health: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Asks a node on this machine whether it lives; for a container's health check.",
        discussion: """
            Finds address and port as serve does. Ends with status 0 when the node is well and 1 when it is not.
            """)

    @Option(help: "The node's admin address [FANFARE_ADMIN_HOST; default: 127.0.0.1].") var adminHost: String?
    @Option(help: "The node's admin port [FANFARE_ADMIN_PORT; default: 9000].") var adminPort: String?
    @Option(name: .customLong("config"), help: "The node's configuration file [FANFARE_CONFIG].") var file: String?
    @Flag(help: "Ask whether it should get traffic, not only whether it lives.") var ready = false

    func run() async throws {
        let flags = ["admin-host": adminHost, "admin-port": adminPort].compactMapValues(\.self)
        let address: (host: String, port: Int)
        do {
            address = try await ConfigurationReader(
                flags: flags, environment: ProcessInfo.processInfo.environment, file: file
            ).adminAddress()
        } catch let problems as ConfigurationProblems {
            throw Exit.failed("\(problems)", code: .failure)
        }
        let answer = await HealthCheck.ask(
            host: address.host, port: address.port, path: ready ? "/readyz" : "/healthz")
        print(answer.text)
        if !answer.isGood { throw ExitCode.failure }
    }
}
