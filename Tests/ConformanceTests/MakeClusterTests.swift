import FanfareTestKit
import Foundation
import Testing

/// A cluster as `make cluster` starts it.
@Suite("make cluster", .serialized)
struct MakeClusterTests {
    @Test(
        "every transport passes its one port, and the pages of docs/socketio.md and docs/sockjs.md work as they stand there: what make compose-test checks",
        .timeLimit(.minutes(11)))
    func checks() async throws {
        // Admin ports of nodes follow each other.
        var ports = (0..<4).map { _ in FreePort.take() }
        while ports[2] != ports[1] + 1 || ports[3] != ports[2] + 1 { ports = ports.dropFirst() + [FreePort.take()] }
        let cluster = try ChildProcess(
            Repository.path + "/Deploy/cluster", [],
            environment: [
                "PORT": "\(ports[0])", "ADMIN": "\(ports[1])", "FANFARE_BINARY": FanfareBinary.path,
                "SERVE_FLAGS": "--namespaces kept:history=100/10m",
            ], name: "cluster")
        do {
            try await eventually(within: .seconds(120), "it is up\n\(cluster.log)") {
                guard cluster.isRunning else { throw NotInTime(what: "the cluster has ended\n\(cluster.log)") }
                return cluster.log.contains("Ctrl-C stops everything")
            }
            let log = try await run(
                "../../Deploy/compose_check.py", "127.0.0.1:\(ports[0])", "http://127.0.0.1:\(ports[1])",
                within: .seconds(420))
            #expect(log.contains("ok the pages of docs/socketio.md and docs/sockjs.md"), "\(log)")
            #expect(log.contains("ok the admin port is not reachable"), "\(log)")
        } catch {
            cluster.signal(SIGINT)
            _ = try? await cluster.waitForExit()
            throw error
        }
        cluster.signal(SIGINT)
        #expect(try await cluster.waitForExit() == 0, "\(cluster.log)")
    }
}
