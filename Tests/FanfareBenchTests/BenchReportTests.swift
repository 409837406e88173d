import Foundation
import Testing

@testable import FanfareBench

@Suite("Bench report")
struct BenchReportTests {
    private func report(_ change: (inout Tally, inout PublishTally) -> Void = { _, _ in }) throws -> BenchReport {
        var options = BenchOptions()
        options.url = "ws://127.0.0.1:8000/"
        (options.clients, options.channels, options.rate, options.duration) = ("4", "2", "10", "1s")
        let plan = try BenchPlan(options, machine: BenchMachine(cores: 2, openFiles: 10_000, ports: 28_000))
        var tally = Tally()
        tally.received = 20
        tally.lastAt = 1_000_000
        for time in 1...20 { tally.latency.record(UInt64(time) * 100) }
        tally.connect.record(700)
        var publications = PublishTally()
        (publications.due, publications.sent, publications.accepted, publications.expected) = (10, 10, 10, 20)
        publications.ended = 1_000_000
        publications.lateness.record(5)
        publications.answer.record(50)
        change(&tally, &publications)
        return BenchReport(
            plan: plan, connected: 4, tally: tally, missing: 0, publications: publications,
            server: ServerUsage(cpuSeconds: 0.5, residentBytes: 1_048_576), ownCPUSeconds: 0.1, interrupted: false)
    }

    private func keys(_ value: Any, prefix: String = "") -> Set<String> {
        guard let object = value as? [String: Any] else { return [prefix] }
        guard !object.isEmpty, !prefix.hasSuffix("_by") else { return [prefix] }
        return object.reduce(into: []) {
            $0.formUnion(keys($1.value, prefix: prefix.isEmpty ? $1.key : "\(prefix).\($1.key)"))
        }
    }

    @Test("the keys of the JSON are stable")
    func stableKeys() throws {
        let text = try report().json()
        #expect(!text.contains("\n"))
        let percentiles = ["p50", "p90", "p99", "p999", "p9999", "max"]
        let times = [
            "connect_microseconds", "answer_microseconds", "latency_microseconds", "generator.late_microseconds",
        ]
        let expected =
            [
                "url", "protocol", "publish", "channels", "size", "burst", "seconds", "interrupted", "notes", "ok",
                "clients.asked", "clients.connected", "clients.refused", "clients.refused_by", "clients.lost",
                "clients.lost_by", "publications.asked", "publications.sent", "publications.accepted",
                "publications.refused", "publications.refused_by", "publications.unanswered", "publications.unsent",
                "publications.asked_per_second", "publications.accepted_per_second", "publications.ended_by",
                "deliveries.expected", "deliveries.received", "deliveries.per_second", "deliveries.lost",
                "deliveries.repeated", "deliveries.out_of_order", "deliveries.foreign", "server.cpu_seconds",
                "server.cpu_microseconds_per_delivery", "server.resident_bytes", "generator.cpu_seconds",
                "generator.threads",
            ] + times.flatMap { time in percentiles.map { "\(time).\($0)" } }
        #expect(keys(try JSONSerialization.jsonObject(with: Data(text.utf8))) == Set(expected))
    }

    @Test("a run in which everything arrived is ok")
    func flawless() throws {
        let report = try report()
        #expect(report.ok && report.notes.isEmpty)
        #expect(report.deliveries.perSecond == 20 && report.publications.acceptedPerSecond == 10)
        #expect(report.server?.cpuMicrosecondsPerDelivery == 25_000)
        #expect(report.latencyMicroseconds?.p50 == 1_000 && report.latencyMicroseconds?.max == 2_000)
    }

    @Test("whatever went wrong, the run is not ok")
    func flaws() throws {
        let flaws: [(inout Tally, inout PublishTally) -> Void] = [
            { tally, _ in tally.received = 19 },
            { tally, _ in (tally.received, tally.repeated) = (21, 1) },
            { tally, _ in tally.outOfOrder = 1 },
            { tally, _ in tally.foreign = 1 },
            { tally, _ in tally.lost.note("close 3008") },
            { _, publications in publications.refused.note("error 100") },
            { _, publications in publications.unanswered = 1 },
            { _, publications in publications.accepted = 0 },
        ]
        for flaw in flaws { #expect(try !report(flaw).ok) }
    }

    @Test("lost is what was expected less what came, repeated ones aside")
    func lost() throws {
        #expect(try report { tally, _ in (tally.received, tally.repeated) = (20, 3) }.deliveries.lost == 3)
        // Deliveries of a publication whose answer never came: more than expected is no loss.
        #expect(try report { tally, _ in tally.received = 25 }.deliveries.lost == 0)
    }

    @Test("a server that does not take the rate is told")
    func rate() throws {
        let slow = try report { _, publications in (publications.sent, publications.accepted) = (5, 5) }
        #expect(slow.publications.unsent == 5)
        #expect(slow.notes.contains { $0.contains("5.00 of 10.0") })
    }

    @Test("the table shows reasons and aligns its figures")
    func table() throws {
        let text = try report { tally, _ in tally.lost.note("close 3008 slow consumer", count: 3) }.table
        #expect(text.contains("    3 × close 3008 slow consumer\n"))
        #expect(text.contains("latency"))
        #expect(!text.split(separator: "\n").contains { $0.hasSuffix(" ") })
    }

    @Test("reasons that a server makes up do not grow without bound")
    func reasons() {
        var reasons = Reasons()
        for number in 0..<1_000 { reasons.note("reason \(number)") }
        #expect(reasons.counts.count == Reasons.limit + 1 && reasons.total == 1_000)
    }

    @Test("figures for people")
    func figures() {
        #expect(
            Figures.count(1_234_567) == "1,234,567" && Figures.count(-1_000) == "-1,000" && Figures.count(999) == "999")
        #expect(
            Figures.time(999) == "999 µs" && Figures.time(1_500) == "1.50 ms" && Figures.time(65_000_000) == "65.0 s")
        #expect(Figures.decimals(0.05, 1) == "0.1" && Figures.decimals(1_234.04, 2) == "1,234.04")
    }
}
