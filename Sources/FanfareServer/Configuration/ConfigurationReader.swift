import Configuration
import FanfareCore
import FanfareRedis

/// Puts a configuration together: flags before variables before the file before defaults. Reads everything, reports all
/// problems at once, changes nothing silently.
public struct ConfigurationReader: Sendable {
    /// A value and where it came from.
    public struct Entry: Sendable {
        public let setting: Setting
        /// As given, secrets masked.
        public let text: String
        /// `flag --port`, `variable FANFARE_PORT`, `file x.yaml`, `default`.
        public let origin: String
    }

    /// A checked configuration.
    public struct Result: Sendable {
        public let configuration: NodeConfiguration
        public let entries: [Entry]
        /// What is odd but no reason not to start.
        public let warnings: [String]
    }

    private let flags: [String: String]
    private let environment: [String: String]
    private let file: String?
    private let machine: Machine

    /// - Parameters:
    ///   - flags: values by setting name, as given on the command line.
    ///   - environment: all variables of the process.
    ///   - file: YAML or JSON; `nil`: what `FANFARE_CONFIG` says.
    public init(
        flags: [String: String], environment: [String: String], file: String?, machine: Machine = .current
    ) {
        self.flags = flags
        self.environment = environment
        self.file = file ?? environment["FANFARE_CONFIG"]
        self.machine = machine
    }

    /// - Throws: ``ConfigurationProblems``.
    public func read() async throws -> Result {
        var problems: [String] = []
        let sources = await sources(&problems)
        var configuration = NodeConfiguration()
        var given: [String: (value: SettingValue, text: String, origin: String)] = [:]
        for setting in Setting.all {
            guard let (text, origin) = Self.lookUp(setting, in: sources) else { continue }
            guard let value = setting.kind.read(text) else {
                let shown = setting.isSecret ? "***" : "'\(text)'"
                problems.append("\(origin): \(shown) is not allowed; allowed: \(setting.range)")
                continue
            }
            given[setting.name] = (value, text, origin)
            setting.apply(&configuration, value)
        }
        var entries: [String: Entry] = [:]
        for setting in Setting.all {
            entries[setting.name] = Entry(
                setting: setting, text: given[setting.name]?.text ?? setting.defaultText,
                origin: given[setting.name]?.origin ?? "default")
        }
        let settled = ConfigurationChecks(machine: machine, given: given.mapValues { ($0.value, $0.origin) })
        settled.complete(&configuration, entries: &entries, problems: &problems)
        settled.check(configuration, problems: &problems)
        guard problems.isEmpty else { throw ConfigurationProblems(problems: problems) }
        return Result(
            configuration: configuration, entries: Setting.all.compactMap { entries[$0.name] },
            warnings: unknownVariables())
    }

    private typealias Source = (
        provider: any ConfigProvider, key: (Setting) -> AbsoluteConfigKey, origin: (Setting) -> String
    )

    private func sources(_ problems: inout [String]) async -> [Source] {
        let values = Dictionary(
            uniqueKeysWithValues: flags.map {
                (AbsoluteConfigKey([$0.key]), ConfigValue(.string($0.value), isSecret: false))
            })
        var sources: [Source] = [
            (InMemoryProvider(name: "flags", values: values), { AbsoluteConfigKey([$0.name]) }, { "flag \($0.flag)" }),
            (
                EnvironmentVariablesProvider(environmentVariables: environment),
                { AbsoluteConfigKey(["fanfare", $0.name]) }, { "variable \($0.variable)" }
            ),
        ]
        if let file {
            do {
                let provider = try await ConfigurationFile.open(file)
                problems += provider.problems
                sources.append((provider.provider, { AbsoluteConfigKey([$0.name]) }, { "file \(file), \($0.name)" }))
            } catch {
                problems.append("file \(file): \(error)")
            }
        }
        return sources
    }

    private static func lookUp(_ setting: Setting, in sources: [Source]) -> (text: String, origin: String)? {
        for source in sources {
            if let text = text(source.provider, source.key(setting)) { return (text, source.origin(setting)) }
        }
        return nil
    }

    /// A value as text, whatever type the file gives it.
    private static func text(_ provider: any ConfigProvider, _ key: AbsoluteConfigKey) -> String? {
        for type in [ConfigType.string, .int, .bool, .double] {
            guard let value = try? provider.value(forKey: key, type: type).value else { continue }
            switch value.content {
            case .string(let text): return text
            case .int(let number): return "\(number)"
            case .bool(let flag): return "\(flag)"
            case .double(let number): return "\(number)"
            default: continue
            }
        }
        return nil
    }

    /// `FANFARE_` variables that nobody reads, with the name that was meant.
    private func unknownVariables() -> [String] {
        let known = Setting.all.map(\.variable) + ["FANFARE_CONFIG"]
        return environment.keys.filter { $0.hasPrefix("FANFARE_") && !known.contains($0) }.sorted().map { name in
            let meant = NearestName.find(name, among: known).map { "; did you mean \($0)?" } ?? ""
            return "variable \(name) is not known and has no effect\(meant)"
        }
    }
}
