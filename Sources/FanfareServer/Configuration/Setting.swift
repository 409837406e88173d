/// One thing that can be set: the single source for flags, variables, files, `fanfare config` and the documentation.
public struct Setting: Sendable {
    /// The name, as in a file; the flag is `--name`, the variable `FANFARE_NAME`.
    public let name: String
    let kind: SettingKind
    /// How the default is written; empty where it depends on the machine or there is none, which the help says.
    public let defaultText: String
    /// One line: what it does and why one would change it.
    public let help: String
    /// Whether the value is never shown.
    let isSecret: Bool
    let apply: @Sendable (inout NodeConfiguration, SettingValue) -> Void

    init(
        _ name: String, _ kind: SettingKind, default defaultText: String, _ help: String, isSecret: Bool = false,
        apply: @escaping @Sendable (inout NodeConfiguration, SettingValue) -> Void
    ) {
        self.name = name
        self.kind = kind
        self.defaultText = defaultText
        self.help = help
        self.isSecret = isSecret
        self.apply = apply
    }

    /// As on the command line.
    public var flag: String { "--\(name)" }

    /// As in the environment.
    public var variable: String {
        "FANFARE_" + name.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
    }

    /// What is allowed, for people.
    public var range: String { kind.range }

    /// The help of a setting, for the command line.
    public static func help(_ name: String) -> String {
        guard let setting = all.first(where: { $0.name == name }) else { return "" }
        let value = setting.defaultText.isEmpty ? "" : "; default: \(setting.defaultText)"
        return "\(setting.help) [\(setting.variable); \(setting.range)\(value)]"
    }

    static func integer(
        _ name: String, _ range: ClosedRange<Int>, default value: Int, _ help: String,
        _ path: any WritableKeyPath<NodeConfiguration, Int> & Sendable
    ) -> Setting {
        Setting(name, .integer(range), default: "\(value)", help) { configuration, value in
            if case .integer(let number) = value { configuration[keyPath: path] = number }
        }
    }

    static func bytes(
        _ name: String, _ range: ClosedRange<Int>, default value: Int, _ help: String,
        _ path: any WritableKeyPath<NodeConfiguration, Int> & Sendable
    ) -> Setting {
        Setting(name, .bytes(range), default: SettingText.bytes(value), help) { configuration, value in
            if case .integer(let number) = value { configuration[keyPath: path] = number }
        }
    }

    static func duration(
        _ name: String, _ range: ClosedRange<Duration>, default value: Duration, _ help: String,
        _ path: any WritableKeyPath<NodeConfiguration, Duration> & Sendable
    ) -> Setting {
        Setting(name, .duration(range, mayBeOff: false), default: SettingText.duration(value), help) {
            configuration, value in
            if case .duration(let duration) = value { configuration[keyPath: path] = duration }
        }
    }

    static func text(
        _ name: String, _ allowed: String, default value: String, _ help: String,
        _ path: any WritableKeyPath<NodeConfiguration, String> & Sendable
    ) -> Setting {
        Setting(name, .text(allowed), default: value, help) { configuration, value in
            if case .text(let text) = value { configuration[keyPath: path] = text }
        }
    }
}
