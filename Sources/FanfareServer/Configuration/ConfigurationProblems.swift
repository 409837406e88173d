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
