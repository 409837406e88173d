/// Durations as people write them.
enum DurationText {
    /// Reads `500ms`, `30s`, `1m30s`, `2h`; `nil` when it is none.
    static func read(_ text: String) -> Duration? {
        var rest = text.lowercased()[...]
        var total = 0
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest[digits.endIndex...]
            let unit = rest.prefix { $0.isLetter }
            rest = rest[unit.endIndex...]
            // Nine digits of hours are far beyond any range and do not overflow.
            guard digits.count <= 9, let number = Int(digits), let factor = milliseconds[String(unit)] else {
                return nil
            }
            total += number * factor
        }
        return .milliseconds(total)
    }

    /// The same way back, in the biggest units.
    static func text(_ duration: Duration) -> String {
        let total = Int(duration.microseconds / 1_000)
        guard total >= 1_000, total % 1_000 == 0 else { return "\(total)ms" }
        let (minutes, seconds) = (total / 60_000, total / 1_000 % 60)
        return (minutes > 0 ? "\(minutes)m" : "") + (seconds > 0 || minutes == 0 ? "\(seconds)s" : "")
    }

    private static let milliseconds = ["ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000]
}

extension Duration {
    /// Whole microseconds.
    var microseconds: Int64 { components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000 }

    /// As a fraction, for rates.
    var inSeconds: Double { Double(microseconds) / 1_000_000 }
}
