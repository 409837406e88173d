/// Everything that is wrong with a configuration, at once.
public struct ConfigurationProblems: Error, Equatable, CustomStringConvertible {
    /// One line each: name as the user gave it, value, what is wrong, what is allowed.
    public let problems: [String]
    /// What is odd but no problem, such as the name of a variable that is not known.
    public let warnings: [String]

    public var description: String {
        let lines = problems.map { "  - \($0)" } + warnings.map { "  - warning: \($0)" }
        return "the configuration has \(problems.count) problem\(problems.count == 1 ? "" : "s"):\n"
            + lines.joined(separator: "\n")
    }
}

/// Finds what somebody may have meant.
enum NearestName {
    /// The candidate that differs from `name` in the fewest characters, if it is near enough to be meant.
    static func find(_ name: String, among candidates: [String]) -> String? {
        let ranked = candidates.map { ($0, distance(name, $0)) }
        guard let best = ranked.min(by: { $0.1 < $1.1 }), best.1 <= max(2, name.count / 3) else { return nil }
        return best.0
    }

    /// Levenshtein's distance.
    static func distance(_ left: String, _ right: String) -> Int {
        let right = Array(right.utf8)
        var row = Array(0...right.count)
        for (index, byte) in left.utf8.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in right.indices {
                let change = diagonal + (byte == right[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(change, row[column] + 1, diagonal + 1)
            }
        }
        return row[right.count]
    }
}
