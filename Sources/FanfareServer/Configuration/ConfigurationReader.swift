import Configuration
import FanfareCore
import FanfareRedis

/// Puts a configuration together: flags before variables before the file before defaults. Reads everything, reports all
/// problems at once, changes nothing silently.
public struct ConfigurationReader: Sendable {
    /// A value and where it came from.
    public struct Entry: Sendable {
        /// What is set.
        public let setting: Setting
        /// As given, secrets masked.
        public let text: String
        /// `flag --port`, `variable FANFARE_PORT`, `file x.yaml, port`, `default`.
        public let origin: String
    }

    /// A checked configuration.
    public struct Result: Sendable {
        /// Ready to run with.
        public let configuration: NodeConfiguration
        /// One for every setting, in the order of ``Setting/all``.
        public let entries: [Entry]
        /// What is odd but no reason not to start.
        public let warnings: [String]
        /// What is allowed but dangerous.
        public let dangers: [String]
        /// Why every client would be refused; `nil`: some may come in.
        public let closedToAll: String?

        /// All that is no reason not to start and should be read all the same.
        public var remarks: [String] { warnings + dangers + [closedToAll].compactMap(\.self) }
    }

    /// A value that somebody gave.
    struct Given {
        let value: SettingValue
        let text: String
        let origin: String
    }

    /// What was given, by setting name.
    struct Answers {
        var given: [String: Given] = [:]
        /// Given, but no value of its setting; told already.
        var refused: Set<String> = []
    }

    private let flags: [String: String]
    private let environment: [String: String]
    private let file: String?
    private let machine: Machine

    /// - Parameters:
    ///   - flags: values by setting name, as given on the command line.
    ///   - environment: all variables of the process.
    ///   - file: YAML or JSON; `nil`: what `FANFARE_CONFIG` says.
    ///   - machine: what defaults and limits depend on.
    public init(
        flags: [String: String], environment: [String: String], file: String?, machine: Machine = .current
    ) {
        self.flags = flags
        self.environment = environment
        self.file = file ?? environment["FANFARE_CONFIG"]
        self.machine = machine
    }

    /// Everything.
    ///
    /// - Throws: ``ConfigurationProblems``.
    public func read() async throws -> Result {
        var problems: [String] = []
        let answers = await answers(Setting.all, &problems)
        var configuration = NodeConfiguration()
        var entries: [String: Entry] = [:]
        for setting in Setting.all {
            let value = answers.given[setting.name]
            if let value { setting.apply(&configuration, value.value) }
            entries[setting.name] = Entry(
                setting: setting, text: value.map { setting.isSecret ? "***" : $0.text } ?? setting.defaultText,
                origin: value?.origin ?? "default")
        }
        let checks = ConfigurationChecks(machine: machine, given: answers.given, refused: answers.refused)
        checks.complete(&configuration, entries: &entries, problems: &problems)
        checks.completeTLS(&configuration, problems: &problems)
        await checks.completeSecurity(&configuration, problems: &problems)
        checks.check(configuration, problems: &problems)
        let warnings = unknownVariables() + checks.withoutEffect(configuration)
        guard problems.isEmpty else { throw ConfigurationProblems(problems: problems, warnings: warnings) }
        return Result(
            configuration: configuration, entries: Setting.all.compactMap { entries[$0.name] }, warnings: warnings,
            dangers: checks.dangers(configuration), closedToAll: checks.closedToAll(configuration))
    }

    /// Only where the admin port is: for a tool that asks a running node, whose other settings may have come from elsewhere.
    ///
    /// - Throws: ``ConfigurationProblems``, those of the admin port and of the file as a whole.
    public func adminAddress() async throws -> (host: String, port: Int) {
        var problems: [String] = []
        var configuration = NodeConfiguration()
        let settings = Setting.all.filter { ["admin-host", "admin-port"].contains($0.name) }
        let answers = await answers(settings, &problems)
        for setting in settings {
            if let value = answers.given[setting.name]?.value { setting.apply(&configuration, value) }
        }
        if let origin = answers.given["admin-port"]?.origin, configuration.adminPort == 0 {
            problems.append("\(origin): 0 is whichever port was free at the start; give the one in the node's log")
        }
        guard problems.isEmpty else { throw ConfigurationProblems(problems: problems, warnings: []) }
        return (configuration.adminHost, configuration.adminPort)
    }

    private struct Source {
        let provider: any ConfigProvider
        /// How the source calls a setting; `nil`: what it has for it is no single value.
        let key: (Setting) -> AbsoluteConfigKey?
        let origin: (Setting) -> String
    }

    /// What was given for `settings` and is allowed; the rest is told in `problems`.
    private func answers(_ settings: [Setting], _ problems: inout [String]) async -> Answers {
        let sources = await sources(&problems)
        var answers = Answers()
        for setting in settings {
            guard let (text, origin) = Self.lookUp(setting, in: sources) else { continue }
            if let text, let value = setting.kind.read(text) {
                answers.given[setting.name] = Given(value: value, text: text, origin: origin)
                continue
            }
            answers.refused.insert(setting.name)
            guard let text else { continue }
            let shown = setting.isSecret && !text.isEmpty ? "***" : "'\(text)'"
            let hint = Self.serviceLinkHint(setting, text).map { "; \($0)" } ?? ""
            problems.append("\(origin): \(shown) \(setting.kind.mistake(in: text)); allowed: \(setting.range)\(hint)")
        }
        for setting in settings { Self.openFile(of: setting, &answers, &problems) }
        return answers
    }

    /// What to do about `FANFARE_PORT=tcp://10.0.0.1:80`: Kubernetes sets it in every pod beside a Service called `fanfare`.
    private static func serviceLinkHint(_ setting: Setting, _ text: String) -> String? {
        guard text.hasPrefix("tcp://"), setting.variable.hasSuffix("_PORT") else { return nil }
        let service = setting.variable.dropLast("_PORT".count).lowercased().replacing("_", with: "-")
        return "Kubernetes sets it for a Service called \(service): "
            + "put enableServiceLinks: false into the pod's spec, or rename the Service"
    }

    /// Takes a secret from the file that stands for it.
    private static func openFile(of setting: Setting, _ answers: inout Answers, _ problems: inout [String]) {
        guard let secret = setting.secretOfFile, let file = answers.given[setting.name],
            case .text(let path) = file.value
        else { return }
        func refuse(_ reason: String) {
            answers.refused.insert(secret.name)
            problems.append("\(file.origin): '\(path)' \(reason)")
        }
        if let other = answers.given[secret.name] { return refuse("is one value too many: there is \(other.origin)") }
        do throws(ConfigurationFile.Failure) {
            let text = try ConfigurationFile.text(of: path).trimmingPrefix(while: \.isWhitespace)
            let trimmed = String(text.reversed().trimmingPrefix(while: \.isWhitespace).reversed())
            guard let value = secret.kind.read(trimmed) else { return refuse("holds nothing") }
            answers.given[secret.name] = Given(value: value, text: trimmed, origin: "file \(path)")
        } catch {
            refuse("\(error)")
        }
    }

    /// All sources, the strongest first. This order is the precedence, everywhere.
    private func sources(_ problems: inout [String]) async -> [Source] {
        let values = Dictionary(
            uniqueKeysWithValues: flags.map {
                (AbsoluteConfigKey([$0.key]), ConfigValue(.string($0.value), isSecret: false))
            })
        var sources = [
            Source(
                provider: InMemoryProvider(name: "flags", values: values), key: { AbsoluteConfigKey([$0.name]) },
                origin: { "flag \($0.flag)" }),
            Source(
                provider: EnvironmentVariablesProvider(environmentVariables: environment),
                key: { AbsoluteConfigKey(["fanfare", $0.name]) }, origin: { "variable \($0.variable)" }),
        ]
        guard let file else { return sources }
        do {
            let opened = try await ConfigurationFile.open(file)
            problems += opened.problems
            if let provider = opened.provider {
                sources.append(
                    Source(
                        provider: provider,
                        key: { opened.unusable.contains($0.name) ? nil : AbsoluteConfigKey([$0.name]) },
                        origin: { "file \(file), \($0.name)" }))
            }
        } catch {
            problems.append("file \(file): \(error)")
        }
        return sources
    }

    /// The strongest source that has something; no text: it is no single value, which ``ConfigurationFile`` has told.
    private static func lookUp(_ setting: Setting, in sources: [Source]) -> (text: String?, origin: String)? {
        for source in sources {
            guard let key = source.key(setting) else { return (nil, source.origin(setting)) }
            guard
                case .string(let text)? = try? source.provider.value(forKey: key, type: .string).value?.content
            else { continue }
            return (text, source.origin(setting))
        }
        return nil
    }

    /// `FANFARE_` variables that nobody reads, with the name that was meant.
    private func unknownVariables() -> [String] {
        let known = Setting.all.map(\.variable) + ["FANFARE_CONFIG"]
        return environment.keys.filter { $0.hasPrefix("FANFARE_") && !known.contains($0) }.sorted().map { name in
            // What all of them begin with makes none of them nearer.
            let rest = { (variable: String) in String(variable.dropFirst("FANFARE_".count)) }
            let meant =
                NearestName.find(rest(name), among: known.map(rest)).map { "; did you mean FANFARE_\($0)?" } ?? ""
            return "variable \(name) is not known and has no effect\(meant)"
        }
    }
}
