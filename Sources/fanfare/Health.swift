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
        discussion: "Ends with status 0 when it does and 1 when it does not.")

    @Option(help: "The node's admin port [FANFARE_ADMIN_PORT].") var adminPort: Int?
    @Flag(help: "Ask whether it should get traffic, not only whether it lives.") var ready = false

    func run() async throws {
        let variable = ProcessInfo.processInfo.environment["FANFARE_ADMIN_PORT"].flatMap(Int.init)
        let answer = await HealthCheck.ask(port: adminPort ?? variable ?? 9_000, path: ready ? "/readyz" : "/healthz")
        print(answer.text)
        if !answer.isGood { throw ExitCode.failure }
    }
}
