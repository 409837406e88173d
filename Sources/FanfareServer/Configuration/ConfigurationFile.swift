import Configuration
import SystemPackage
import Yams

/// A configuration file: a flat map of setting names to values, in YAML or JSON.
enum ConfigurationFile {
    struct Opened {
        /// The values as text; `nil` when the file sets nothing.
        let provider: (any ConfigProvider)?
        /// Keys that no setting has, and values that are no single value.
        let problems: [String]
        /// Settings whose value is none.
        let unusable: Set<String>
    }

    /// Why a file can't be used. Never quotes it: a line may hold a password.
    enum Failure: Error, CustomStringConvertible {
        case format
        case unreadable(String)
        case tooLong
        case syntax(String)
        case notJSON
        case notAMap

        var description: String {
            switch self {
            case .format: "must end with .yaml, .yml or .json"
            case .unreadable(let reason): "can't be read: \(reason)"
            case .tooLong: "is longer than \(SettingText.bytes(ConfigurationFile.maximumBytes))"
            case .syntax(let mistake): "can't be understood: \(mistake)"
            case .notJSON: "is not JSON; what is YAML must be named .yaml"
            case .notAMap: "must be a map of setting names to values"
            }
        }
    }

    /// - Throws: ``Failure``.
    static func open(_ path: String) async throws(Failure) -> Opened {
        let isJSON = path.hasSuffix(".json")
        guard isJSON || path.hasSuffix(".yaml") || path.hasSuffix(".yml") else { throw .format }
        let text = try text(of: path)
        guard let map = try map(text) else {
            // Nothing but comments: fine in YAML.
            guard !isJSON else { throw .notJSON }
            return Opened(provider: nil, problems: [], unusable: [])
        }
        do {
            // Only to hold it to the syntax: as a number, the JSON reader gives `true` as 1, and nobody can tell any more.
            if isJSON { _ = try await FileProvider<JSONSnapshot>(filePath: FilePath(path)) }
        } catch {
            throw .notJSON
        }
        do {
            // YAML 1.2 is a superset of JSON, and this reader gives every value as it is written.
            return Opened(
                provider: try await FileProvider<YAMLSnapshot>(filePath: FilePath(path)),
                problems: map.compactMap { problem($0, $1, path: path) },
                unusable: Set(map.filter { !isSingle($1) }.compactMap { $0.0.string }))
        } catch {
            throw .syntax("it is not a flat map of names to values")
        }
    }

    /// Why the file at `path` can't be read; `nil` when it can.
    static func obstacle(_ path: String) -> String? {
        do {
            _ = try bytes(of: path)
            return nil
        } catch {
            return error.description
        }
    }

    /// The whole of a file.
    static func text(of path: String) throws(Failure) -> String {
        guard let text = String(validating: try bytes(of: path), as: UTF8.self) else {
            throw .syntax("it is not UTF-8")
        }
        return text
    }

    static func bytes(of path: String) throws(Failure) -> [UInt8] {
        do {
            let file = try FileDescriptor.open(path, .readOnly)
            return try file.closeAfter {
                var bytes: [UInt8] = []
                let part = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 1)
                // Allocated and freed in this scope; read(into:) fills only the part whose length it returns.
                defer { part.deallocate() }
                while true {
                    let count = try file.read(into: part)
                    if count == 0 { return bytes }
                    bytes += part[..<count]
                    if bytes.count > maximumBytes { throw Failure.tooLong }
                }
            }
        } catch let failure as Failure {
            throw failure
        } catch {
            throw .unreadable("\(error)")
        }
    }

    /// - Returns: `nil` when there is no map because there is nothing.
    private static func map(_ text: String) throws(Failure) -> [(Node, Node)]? {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw .syntax((error as? YamlError).map(mistake) ?? "it is not YAML")
        }
        guard let root, root.null == nil else { return nil }
        guard let map = root.mapping else { throw .notAMap }
        return map.map { ($0, $1) }
    }

    private static func isSingle(_ value: Node) -> Bool { value.scalar != nil && value.null == nil }

    private static func problem(_ key: Node, _ value: Node, path: String) -> String? {
        let name = key.string ?? "a key that is no text"
        guard let setting = Setting.all.first(where: { $0.name == name }) else {
            let meant = NearestName.find(name, among: Setting.all.map(\.name)).map { "; did you mean \($0)?" } ?? ""
            return "file \(path), \(name): no such setting\(meant)"
        }
        guard isSingle(value) else {
            return "file \(path), \(name): must have one value, not none, a list or a map; allowed: \(setting.range)"
        }
        return nil
    }

    /// Where and what, without the line itself, which Yams would show.
    private static func mistake(_ error: YamlError) -> String {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            "line \(mark.line), column \(mark.column): \(problem)"
        case .reader(let problem, _, _, _): problem
        case .duplicatedKeysInMapping(let names, _): "given twice: \(names.sorted().joined(separator: ", "))"
        default: "it is not YAML"
        }
    }
}
