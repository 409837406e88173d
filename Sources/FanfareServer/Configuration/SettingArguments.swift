/// Makes of `--port` and the word behind it one word, so that the parser of the command line has nothing to say about values:
/// a number below zero is no option to it then, and an option without a value no reason to stop before the other problems
/// were seen. ``ConfigurationReader`` judges all values together.
public enum SettingArguments {
    /// Settings that are a bare option, without a value.
    static let bare: Set<String> = ["admin-insecure", "dev", "token-in-query"]

    /// Stands for a value that was not given. No argument of a process can hold it.
    public static let missing = "\u{0}"

    /// - Parameter arguments: those of the process, without its name.
    public static func joined(_ arguments: [String]) -> [String] {
        // The other commands have options of their own under the same names.
        guard let command = arguments.first, ["serve", "config", "token", "echo"].contains(command) else {
            return arguments
        }
        let options = Set(Setting.all.map(\.name)).subtracting(bare).map { "--\($0)" }
        var joined: [String] = []
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            // What follows are no options.
            if argument == "--" { return joined + [argument] + rest }
            let isEmpty = argument.hasSuffix("=") && options.contains(String(argument.dropLast()))
            guard isEmpty || options.contains(argument) else {
                joined.append(argument)
                continue
            }
            if !isEmpty, let value = rest.first, !value.isEmpty, !value.hasPrefix("--") {
                rest.removeFirst()
                joined.append("\(argument)=\(value)")
            } else {
                if !isEmpty, rest.first?.isEmpty == true { rest.removeFirst() }
                joined.append(argument + (isEmpty ? missing : "=\(missing)"))
            }
        }
        return joined
    }
}
