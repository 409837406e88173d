import FanfareCore
import FanfareWire
import Foundation
import Testing

@testable import FanfareServer

@Suite("Metric table")
struct MetricTableTests {
    /// A node in which every counter, label and histogram has a value that no other has, from `first` on.
    private func fullMetrics(first: Int) -> (NodeMetrics, values: [Int: String]) {
        let metrics = NodeMetrics(loops: 2)
        var values: [Int: String] = [:]
        func next(_ name: String) -> Int {
            let value = first + values.count
            values[value] = name
            return value
        }
        // Split over two loops: the sum is what has to be there.
        let (one, two) = (metrics.loops[0], metrics.loops[1])
        for counter in LoopCounter.allCases {
            let value = next("\(counter)")
            one.counters.add(counter, 1)
            two.counters.add(counter, value - 1)
        }
        for (name, transport, kind) in ClientKind.served {
            let value = next("\(name) over \(transport)")
            one.clients.add(kind, 1)
            two.clients.add(kind, value - 1)
        }
        for reason in RefusalReason.allCases {
            let value = next("\(reason)")
            one.refusals.add(reason, 1)
            two.refusals.add(reason, value - 1)
        }
        for disconnect in DisconnectIndex.allCases {
            let value = next("\(disconnect)")
            one.disconnects.add(disconnect, 1)
            two.disconnects.add(disconnect, value - 1)
        }
        for counter in TLSCounter.allCases { metrics.tls.addShared(counter, next("tls \(counter)")) }
        for counter in SharedCounter.allCases { metrics.shared.addShared(counter, next("\(counter)")) }
        for counter in BrokerCounter.allCases { metrics.broker.counters.addShared(counter, next("\(counter)")) }
        let histograms: [(String, DurationHistogram)] = [
            ("pingRoundTrip", two.pingRoundTrip), ("deliveryLag", two.deliveryLag), ("loopLag", two.loopLag),
            ("broker lag", metrics.broker.lag), ("probe", metrics.broker.probeRoundTrip),
            ("resubscribe", metrics.broker.resubscribe),
        ]
        for (name, histogram) in histograms {
            for value in [-1, 10, 7_000, 99_000_000] { histogram.record(microseconds: value) }
            histogram.record(microseconds: 300, count: next(name) - 4)
        }
        return (metrics, values)
    }

    @Test("every counter, reason, code and histogram of a node is in a scrape")
    func complete() {
        let (metrics, values) = fullMetrics(first: 770_000)
        let text = NodeExposition(context: .forTest(metrics: metrics)).render()
        let seen = Set(text.split(separator: "\n").compactMap { $0.split(separator: " ").last })
        for (value, name) in values { #expect(seen.contains("\(value)"), "\(name)") }
    }

    @Test("every limit is in a scrape")
    func limits() {
        // The one field that bounds nothing: what a refused client is told.
        let fields = Mirror(reflecting: Limits()).children.compactMap(\.label).filter { $0 != "retryAfterSeconds" }
        let ofLimits = Metric.all.filter { $0.name.hasPrefix("fanfare_limit_") }
        // Beside those of `Limits`: the pong's deadline, a broadcast's channels and half-open sessions of Engine.IO.
        #expect(ofLimits.count == fields.count + 3)
        var limits = Limits()
        limits.maxQueueBytes = 12_345
        limits.handshakeTimeout = .milliseconds(1_500)
        var keepAlive = KeepAlive()
        keepAlive.pongTimeout = .milliseconds(250)
        let text = NodeExposition(context: .forTest(limits: limits, keepAlive: keepAlive)).render()
        for line in [
            "fanfare_limit_queue_bytes 12345", "fanfare_limit_handshake_seconds 1.5", "fanfare_limit_pong_seconds 0.25",
            "fanfare_limit_connections 50000", "fanfare_limit_channels_per_client 128",
            "fanfare_limit_api_channels 1000", "fanfare_ping_interval_seconds 25",
        ] { #expect(text.contains("\n\(line)\n"), "\(line)") }
    }

    @Test("pings that are off have the interval 0")
    func pingsOff() {
        var keepAlive = KeepAlive()
        keepAlive.pingInterval = nil
        let text = NodeExposition(context: .forTest(keepAlive: keepAlive)).render()
        #expect(text.contains("\nfanfare_ping_interval_seconds 0\n"))
    }

    @Test("names are unique, and stand for what they count")
    func names() {
        #expect(Set(Metric.all.map(\.name)).count == Metric.all.count)
        for metric in Metric.all {
            #expect(metric.name.hasPrefix("fanfare_") || metric.name.hasPrefix("process_"), "\(metric.name)")
            #expect(metric.name.hasSuffix("_total") == (metric.kind == .counter), "\(metric.name)")
            #expect(metric.help.hasSuffix("."), "\(metric.name)")
        }
    }

    @Test("the coalescing ratio is deliveries per write, and 1 before the first")
    func ratio() {
        let metrics = NodeMetrics(loops: 2)
        let context = AdminContext.forTest(metrics: metrics)
        #expect(NodeExposition(context: context).render().contains("\nfanfare_coalescing_ratio 1\n"))
        metrics.loops[0].counters.add(.deliveries, 9)
        metrics.loops[1].counters.add(.deliveries, 1)
        metrics.loops[1].counters.add(.deliveryWrites, 4)
        #expect(NodeExposition(context: context).render().contains("\nfanfare_coalescing_ratio 2.5\n"))
    }

    @Test("a broker that is away shows in fanfare_redis_up and fanfare_ready")
    func brokerAway() {
        let broker = ScriptedBroker(status: BrokerStatus(isUp: false, problem: "redis publish link: refused"))
        let text = NodeExposition(context: .forTest(broker: broker)).render()
        #expect(text.contains("\nfanfare_redis_up 0\n"))
        #expect(text.contains("\nfanfare_ready 0\n"))
        #expect(!text.contains("publish link"))
    }

    @Test("promtool takes it without a word, empty and full", arguments: [false, true])
    func promtool(isFull: Bool) throws {
        let metrics = isFull ? fullMetrics(first: 1_000).0 : NodeMetrics(loops: 1)
        var context = AdminContext.forTest(metrics: metrics)
        context.version = "1 \"beta\" \\ \n"
        try Promtool.check(NodeExposition(context: context).render())
    }

    @Test("promtool does find fault with a metric that has one")
    func promtoolWorks() {
        var text = Exposition()
        text.add("fanfare_things", .counter, "A counter without its suffix.", 1)
        #expect(throws: Promtool.Complaint.self) { try Promtool.check(text.text) }
    }
}

/// `promtool check metrics`, which Debian's package `prometheus` brings.
enum Promtool {
    struct Complaint: Error, CustomStringConvertible {
        let description: String
    }

    /// Throws when it has anything to say, or is not installed.
    static func check(_ text: String) throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("fanfare-metrics-\(UUID().uuidString)")
        try text.write(to: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: path) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["promtool", "check", "metrics"]
        process.standardInput = try FileHandle(forReadingFrom: path)
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        // `env` ends with 127 when there is no such program.
        guard process.terminationStatus != 127 else {
            throw Complaint(description: "promtool is not installed: Deploy/install test")
        }
        guard process.terminationStatus == 0, output.isEmpty else { throw Complaint(description: output) }
    }
}
