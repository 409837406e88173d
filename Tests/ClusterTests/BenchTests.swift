import FanfareTestKit
import Foundation
import Testing

/// The real `fanfare bench` against a real node.
@Suite("Cluster: bench", .serialized)
struct BenchTests {
    /// A run under way.
    private struct Run {
        let process: ChildProcess

        init(_ node: Node, _ arguments: [String]) throws {
            process = try ChildProcess(
                FanfareBinary.path,
                ["bench", "ws://127.0.0.1:\(node.port)/", "--clients", "200", "--json"] + arguments, name: "bench")
        }

        /// Its exit status and its report.
        func end() async throws -> (status: Int32, report: Report) {
            let status = try await process.waitForExit(within: .seconds(60))
            try await eventually("the report is there\n\(process.log)") { process.log.contains("}\n") }
            let line = try #require(process.log.split(separator: "\n").first { $0.hasPrefix("{") }, "\(process.log)")
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            return (status, try decoder.decode(Report.self, from: Data(line.utf8)))
        }
    }

    /// What the tests look at.
    private struct Report: Decodable {
        struct Clients: Decodable { let connected, refused, lost: Int }
        struct Publications: Decodable { let accepted, refused: Int }
        struct Deliveries: Decodable { let expected, received, lost, repeated, outOfOrder, foreign: Int }
        struct Percentiles: Decodable { let p50, max: Int }
        struct Server: Decodable { let cpuSeconds, residentBytes: Double }

        let ok: Bool
        let interrupted: Bool
        let clients: Clients
        let publications: Publications
        let deliveries: Deliveries
        let latencyMicroseconds: Percentiles?
        let server: Server?
    }

    private func expectFlawless(_ run: (status: Int32, report: Report), publications: Int, channels: Int) {
        let (status, report) = run
        #expect(status == 0 && report.ok)
        #expect(report.clients.connected == 200 && report.clients.lost == 0)
        #expect(report.publications.accepted == publications)
        #expect(report.deliveries.expected == publications * 200 / channels)
        #expect(report.deliveries.received == report.deliveries.expected)
        #expect(report.deliveries.lost == 0 && report.deliveries.repeated == 0 && report.deliveries.foreign == 0)
        #expect((report.latencyMicroseconds?.p50 ?? 0) > 0)
    }

    @Test("every delivery is counted, raw and Centrifuge, even and in bursts", arguments: ["raw", "centrifuge"])
    func everyDelivery(transport: String) async throws {
        // As long as a busy machine may take to answer; short enough for pings within the run.
        try await withNode(flags: ["--ping-interval", "11s", "--pong-timeout", "10s"]) { node in
            let common = ["--protocol", transport, "--channels", "10", "--duration", "2s"]
            let metrics = ["--metrics-url", "http://127.0.0.1:\(node.adminPort)"]
            let even = try await Run(node, common + metrics + ["--rate", "100"]).end()
            expectFlawless(even, publications: 200, channels: 10)
            #expect((even.report.server?.cpuSeconds ?? 0) > 0 && (even.report.server?.residentBytes ?? 0) > 0)
            let bursts = try await Run(node, common + ["--rate", "400", "--burst", "100", "--size", "2000"]).end()
            expectFlawless(bursts, publications: 800, channels: 10)
        }
    }

    @Test("publishing over HTTP and in Redis")
    func otherWays() async throws {
        try await withRedis { redis in
            try await withNode(redis: redis.url) { node in
                let common = ["--channels", "5", "--rate", "100", "--duration", "1s"]
                let http = ["--publish", "http", "--publish-url", "http://127.0.0.1:\(node.adminPort)"]
                expectFlawless(try await Run(node, common + http).end(), publications: 100, channels: 5)
                let plain = ["--publish", "redis", "--publish-url", redis.url, "--protocol", "centrifuge"]
                expectFlawless(try await Run(node, common + plain).end(), publications: 100, channels: 5)
            }
        }
    }

    @Test("a node that is killed meanwhile: status 1, and its clients are lost")
    func killed() async throws {
        try await withNode { node in
            let run = try Run(node, ["--rate", "200", "--duration", "60s"])
            try await eventually("deliveries flow") { try await node.metric("fanfare_deliveries_total") > 0 }
            await node.kill()
            let (status, report) = try await run.end()
            #expect(status == 1 && !report.ok)
            #expect(report.clients.connected == 200 && report.clients.lost == 200)
        }
    }

    @Test("Ctrl-C ends it early, with a report")
    func interrupt() async throws {
        try await withNode { node in
            let run = try Run(node, ["--rate", "200", "--duration", "60s"])
            try await eventually("deliveries flow") { try await node.metric("fanfare_deliveries_total") > 0 }
            run.process.signal(SIGINT)
            let (status, report) = try await run.end()
            #expect(status == 0 && report.interrupted && report.deliveries.received > 0)
            #expect(report.deliveries.received == report.deliveries.expected)
        }
    }

    @Test("a node that is full: the refused are counted by their status, and the run is not ok")
    func full() async throws {
        try await withNode(flags: ["--max-connections", "150"]) { node in
            let (status, report) = try await Run(node, ["--rate", "50", "--duration", "500ms"]).end()
            #expect(status == 1)
            #expect(report.clients.connected + report.clients.refused == 200 && report.clients.refused >= 50)
            #expect(report.deliveries.lost == 0 && report.deliveries.received == report.deliveries.expected)
        }
    }

    @Test("nothing listens: status 1 and what was tried")
    func nothingListens() async throws {
        let process = try ChildProcess(
            FanfareBinary.path, ["bench", "ws://127.0.0.1:\(FreePort.take())/"], name: "bench")
        #expect(try await process.waitForExit() == 1)
        try await eventually("it says why") { process.log.contains("connection refused") }
    }
}
