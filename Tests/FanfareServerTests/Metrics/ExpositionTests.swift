import FanfareCore
import FanfareProtocols
import FanfareTestKit
import FanfareWire
import Foundation
import Testing

@testable import FanfareServer

@Suite("Exposition")
struct ExpositionTests {
    private func context(_ metrics: NodeMetrics, draining: Bool = false) -> AdminContext {
        AdminContext(
            nodeName: "n\"1\\", version: "1", metrics: metrics, limits: Limits(), keepAlive: KeepAlive(),
            broker: MemoryBroker(formats: FormatTable(), metrics: metrics.broker), brokerName: "memory",
            isDraining: { draining }, isAccepting: { true }, now: { 0 })
    }

    @Test("promtool accepts it without a warning, empty and full")
    func promtool() async throws {
        let metrics = NodeMetrics(loops: 2)
        for round in 0..<2 {
            let text = NodeExposition(context: context(metrics)).render()
            let path = NSTemporaryDirectory() + "fanfare-metrics-\(UInt64.random(in: 0...UInt64.max))"
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            defer { try? FileManager.default.removeItem(atPath: path) }
            let check = try ChildProcess(
                "bash", ["-c", "promtool check metrics < \(path) 2>&1; echo done=$?"], name: "promtool")
            try await check.waitForExit()
            try await eventually("promtool has spoken") { check.log.contains("done=") }
            #expect(check.log.trimmingCharacters(in: .whitespacesAndNewlines) == "done=0", "\(round)\n\(check.log)")
            for (index, loop) in metrics.loops.enumerated() {
                for counter in LoopCounter.allCases { loop.counters.add(counter, index + 3) }
                for reason in RefusalReason.allCases { loop.refusals.add(reason) }
                for kind in ClientKind.allCases { loop.clients.add(kind) }
                loop.count(.slow)
                for value in [1, 77, 5_000, 99_000_000] { loop.deliveryLag.record(microseconds: value) }
            }
        }
    }

    @Test("values add up over event loops and every reason and code is there from the start")
    func values() {
        let metrics = NodeMetrics(loops: 3)
        for loop in metrics.loops { loop.counters.add(.connections, 2) }
        metrics.loops[1].count(.slow)
        metrics.loops[2].refusals.add(.connectionLimit)
        metrics.loops[0].pingRoundTrip.record(microseconds: 60)
        metrics.loops[2].pingRoundTrip.record(microseconds: 20_000_000)
        let text = NodeExposition(context: context(metrics)).render()
        let lines = Set(text.split(separator: "\n").map(String.init))
        for line in [
            "fanfare_connections 6", #"fanfare_disconnects_total{code="3008"} 1"#,
            #"fanfare_disconnects_total{code="1012"} 0"#,
            #"fanfare_connections_refused_total{reason="connection_limit"} 1"#,
            #"fanfare_connections_refused_total{reason="draining"} 0"#, "fanfare_limit_message_bytes 65536",
            #"fanfare_ping_round_trip_seconds_bucket{le="0.0001"} 1"#,
            #"fanfare_ping_round_trip_seconds_bucket{le="+Inf"} 2"#,
            "fanfare_ping_round_trip_seconds_count 2", "fanfare_ready 1", "fanfare_redis_up 1",
            #"fanfare_build_info{version="1",node="n\"1\\",broker="memory"} 1"#,
        ] { #expect(lines.contains(line), "\(line)") }
        #expect(text.contains("process_resident_memory_bytes ") && text.contains("process_start_time_seconds "))
    }

    @Test("a draining node is not ready and says why")
    func readiness() {
        #expect(Readiness(context(NodeMetrics(loops: 1))).isReady)
        #expect(Readiness(context(NodeMetrics(loops: 1), draining: true)).problems == ["draining"])
    }
}
