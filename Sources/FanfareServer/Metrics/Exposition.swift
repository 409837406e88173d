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

    init() {
        // A node's exposition has some 16 KB: no growth on the way.
        text.reserveCapacity(24_576)
    }

    /// One metric without labels.
    mutating func add(_ name: String, _ kind: Kind, _ help: String, _ value: Double) {
        head(name, kind, help)
        line(name, [], value)
    }

    /// One metric with a value for each set of labels.
    mutating func family(
        _ name: String,
        _ kind: Kind,
        _ help: String,
        _ samples: [(labels: [(String, String)], value: Double)]
    ) {
        head(name, kind, help)
        for sample in samples { line(name, sample.labels, sample.value) }
    }

    /// A histogram in seconds; `bounds` in microseconds, `buckets` one more than bounds, not cumulative.
    mutating func histogram(_ name: String, _ help: String, bounds: [Int], buckets: [Int], sumMicroseconds: Int) {
        head(name, .histogram, help)
        let bucketName = name + "_bucket"
        var count = 0
        for (bound, bucket) in zip(bounds, buckets) {
            count += bucket
            line(bucketName, [("le", Self.number(Double(bound) / 1_000_000))], Double(count))
        }
        count += buckets.last ?? 0
        line(bucketName, [("le", "+Inf")], Double(count))
        line(name + "_sum", [], Double(sumMicroseconds) / 1_000_000)
        line(name + "_count", [], Double(count))
    }

    private mutating func head(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP "
        text += name
        text += " "
        appendEscaped(help, quotes: false)
        text += "\n# TYPE "
        text += name
        text += " "
        text += kind.rawValue
        text += "\n"
    }

    private mutating func line(_ name: String, _ labels: [(String, String)], _ value: Double) {
        text += name
        for (index, label) in labels.enumerated() {
            text += index == 0 ? "{" : ","
            text += label.0
            text += "=\""
            appendEscaped(label.1, quotes: true)
            text += "\""
        }
        text += labels.isEmpty ? " " : "} "
        text += Self.number(value)
        text += "\n"
    }

    /// Whole numbers without a fraction up to 2⁵³, where a `Double` still holds each of them.
    private static func number(_ value: Double) -> String {
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        if value.isNaN { return "NaN" }
        return value == value.rounded() && abs(value) < 0x1p53 ? "\(Int(value))" : "\(value)"
    }

    private mutating func appendEscaped(_ value: String, quotes: Bool) {
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\"" where quotes: text += "\\\""
            default: text.unicodeScalars.append(scalar)
            }
        }
    }
}
