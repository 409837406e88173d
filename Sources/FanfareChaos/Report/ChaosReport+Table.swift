extension ChaosReport {
    /// For a person.
    package var table: String {
        var lines: [String] = []
        lines.append(
            "\(isGood ? "good" : "BAD"): seed \(seed), \(seconds.oneDigit) s, \(clients) clients on \(channels) channels, "
                + "\(faults.count) faults\(isInterrupted ? ", interrupted" : "")")
        lines.append(
            "publications \(publications) acknowledged, \(retriedPublications) retries, \(unknownPublications) with an "
                + "unknown outcome, \(wiped) wiped with Redis' data")
        let ended = disconnects.values.reduce(0, +)
        lines.append(
            "deliveries \(deliveries) (\(kinds)), connections lost \(ended) and left \(departures), recoveries \(recoveries), "
                + "unsubscribed by a node \(unsubscribes)")
        lines.append(
            "lost \(lost), repeated \(repeated), reordered \(reordered), foreign \(foreign), told wrongly \(wronglyTold), "
                + "not healed \(unhealed); told rightly \(told)")
        lines += [""] + faultLines
        if !violations.isEmpty {
            lines += [""] + violations.prefix(20).map { "\($0)" }
            if violations.count > 20 { lines.append("… and more") }
        }
        if let evidence { lines += ["", "evidence: \(evidence)"] }
        return lines.joined(separator: "\n")
    }

    /// Deliveries to each kind of client.
    private var kinds: String {
        deliveriesByKind.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    }

    /// Times to heal in seconds: median and worst of each fault.
    private var faultLines: [String] {
        var rows = [["fault", "times", "found", "ready", "subscribed", "healed: median", "worst"]]
        for fault in Fault.allCases {
            let cases = faults.filter { $0.fault == fault }
            guard !cases.isEmpty else { continue }
            let healed = cases.compactMap(\.healed).sorted()
            rows.append([
                fault.rawValue, "\(cases.count)", Self.worst(cases.map(\.found)), Self.worst(cases.map(\.ready)),
                Self.worst(cases.map(\.subscribed)), healed.isEmpty ? "–" : Self.text(healed[healed.count / 2]),
                cases.contains { $0.healed == nil } ? "never" : Self.worst(cases.map(\.healed)),
            ])
        }
        return Self.aligned(rows)
    }

    private static func worst(_ times: [Double?]) -> String { times.compactMap(\.self).max().map(text) ?? "–" }

    private static func text(_ seconds: Double) -> String { "\((seconds * 100).rounded() / 100)" }

    private static func aligned(_ rows: [[String]]) -> [String] {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            row.enumerated().map { index, cell in
                let space = String(repeating: " ", count: widths[index] - cell.count)
                return index == 0 ? cell + space : space + cell
            }.joined(separator: "  ")
        }
    }
}
