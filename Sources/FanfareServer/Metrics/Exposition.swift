/// Text in the format that Prometheus scrapes (text format 0.0.4), with the rules that `promtool check metrics` asks for.
struct Exposition {
    /// What a metric is.
    enum Kind: String {
        /// Only rises; its name ends with `_total`.
        case counter
        /// Rises and falls.
        case gauge
        /// Counts by bucket.
        case histogram
    }

    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private(set) var text = ""

    /// One metric without labels.
    mutating func add(_ name: String, _ kind: Kind, _ help: String, _ value: Double) {
        family(name, kind, help, [([], value)])
    }

    /// One metric with a value for each set of labels.
    mutating func family(
        _ name: String, _ kind: Kind, _ help: String, _ samples: [(labels: [(String, String)], value: Double)]
    ) {
        head(name, kind, help)
        for sample in samples { line(name, sample.labels, sample.value) }
    }

    /// A histogram in seconds; `bounds` in microseconds, `buckets` one more than bounds, not cumulative.
    mutating func histogram(_ name: String, _ help: String, bounds: [Int], buckets: [Int], sumMicroseconds: Int) {
        head(name, .histogram, help)
        var count = 0
        for (bound, bucket) in zip(bounds, buckets) {
            count += bucket
            line("\(name)_bucket", [("le", Self.number(Double(bound) / 1_000_000))], Double(count))
        }
        count += buckets.last ?? 0
        line("\(name)_bucket", [("le", "+Inf")], Double(count))
        line("\(name)_sum", [], Double(sumMicroseconds) / 1_000_000)
        line("\(name)_count", [], Double(count))
    }

    private mutating func head(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP \(name) \(Self.escaped(help, quotes: false))\n# TYPE \(name) \(kind.rawValue)\n"
    }

    private mutating func line(_ name: String, _ labels: [(String, String)], _ value: Double) {
        text += name
        if !labels.isEmpty {
            text += "{"
            text += labels.map { "\($0.0)=\"\(Self.escaped($0.1, quotes: true))\"" }.joined(separator: ",")
            text += "}"
        }
        text += " \(Self.number(value))\n"
    }

    private static func number(_ value: Double) -> String {
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        return value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var output = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": output += "\\\\"
            case "\n": output += "\\n"
            case "\"" where quotes: output += "\\\""
            default: output.unicodeScalars.append(character)
            }
        }
        return output
    }
}
