extension BenchReport {
    /// For people: one line per subject, figures aligned.
    public var table: String {
        let width = rows.map(\.label.count).max() ?? 0
        let columns = (rows.map(\.cells.count).max() ?? 0)
        let widths = (0..<columns).map { column in
            rows.compactMap { $0.cells.count > column ? $0.cells[column].count : nil }.max() ?? 0
        }
        let load =
            "\(Figures.count(channels)) channel\(channels == 1 ? "" : "s"), payloads of \(Figures.count(size)) bytes"
        var lines = ["\(url)  \(`protocol`), \(load), published over \(publish)", ""]
        for row in rows {
            let cells = zip(row.cells, widths).map { $0.padded(to: $1) }.joined(separator: "   ")
            lines.append(("\(row.label.padded(to: width))   " + cells).trimmedRight)
            lines += row.reasons.sorted { $0.key < $1.key }.map { "    \(Figures.count($0.value)) × \($0.key)" }
        }
        lines += notes.map { "note: \($0)" }
        return lines.joined(separator: "\n")
    }

    private struct Row {
        let label: String
        var cells: [String]
        var reasons: [String: Int] = [:]
    }

    private var rows: [Row] {
        [
            Row(
                label: "clients",
                cells: [
                    "asked \(Figures.count(clients.asked))", "connected \(Figures.count(clients.connected))",
                    "refused \(Figures.count(clients.refused))", "lost \(Figures.count(clients.lost))",
                ], reasons: clients.refusedBy.merging(clients.lostBy, uniquingKeysWith: +)),
            Row(label: "connect", cells: Self.times(connectMicroseconds, short: true)),
            Row(
                label: "publications",
                cells: [
                    "asked \(Figures.count(publications.asked))", "accepted \(Figures.count(publications.accepted))",
                    "\(Figures.fixed(publications.acceptedPerSecond)) of "
                        + "\(Figures.fixed(publications.askedPerSecond))/s",
                    "refused \(Figures.count(publications.refused))",
                    "unanswered \(Figures.count(publications.unanswered))",
                    "unsent \(Figures.count(publications.unsent))",
                ], reasons: publications.refusedBy.merging(publications.endedBy, uniquingKeysWith: +)),
            Row(label: "answers", cells: Self.times(answerMicroseconds, short: true)),
            Row(
                label: "deliveries",
                cells: [
                    "expected \(Figures.count(deliveries.expected))", "received \(Figures.count(deliveries.received))",
                    "\(Figures.fixed(deliveries.perSecond))/s", "lost \(Figures.count(deliveries.lost))",
                    "repeated \(Figures.count(deliveries.repeated))",
                    "out of order \(Figures.count(deliveries.outOfOrder))",
                ] + (deliveries.foreign > 0 ? ["foreign \(Figures.count(deliveries.foreign))"] : [])),
            Row(label: "latency", cells: Self.times(latencyMicroseconds, short: false)),
        ] + serverRow + [generatorRow]
    }

    private var serverRow: [Row] {
        guard let server else { return [] }
        return [
            Row(
                label: "server",
                cells: [
                    "CPU \(Figures.fixed(server.cpuSeconds)) s",
                    "\(Figures.fixed(server.cpuMicrosecondsPerDelivery)) µs/delivery",
                    "resident \(Figures.mebibytes(Double(server.residentBytes)))",
                ])
        ]
    }

    private var generatorRow: Row {
        Row(
            label: "generator",
            cells: [
                "CPU \(Figures.fixed(generator.cpuSeconds)) s",
                "\(generator.threads) thread\(generator.threads == 1 ? "" : "s")",
            ] + (generator.lateMicroseconds.map { ["late p99 \(Figures.time($0.p99))"] } ?? []))
    }

    private static func times(_ times: Percentiles?, short: Bool) -> [String] {
        guard let times else { return ["–"] }
        var values = [("p50", times.p50), ("p99", times.p99)]
        if !short {
            values = [
                ("p50", times.p50), ("p90", times.p90), ("p99", times.p99), ("p99.9", times.p999),
                ("p99.99", times.p9999),
            ]
        }
        return (values + [("max", times.max)]).map { "\($0.0) \(Figures.time($0.1))" }
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }

    fileprivate var trimmedRight: String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}
