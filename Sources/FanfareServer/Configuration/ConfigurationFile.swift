import Configuration
import SystemPackage
import Yams

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A configuration file: a flat map of setting names to values, in YAML or JSON.
enum ConfigurationFile {
    struct Opened {
        let provider: any ConfigProvider
        /// Keys that no setting has.
        let problems: [String]
    }

    /// Why a file can't be used.
    enum Failure: Error, CustomStringConvertible {
        case format
        case unreadable(String)
        case notAMap

        var description: String {
            switch self {
            case .format: "must end with .yaml, .yml or .json"
            case .unreadable(let reason): "can't be read: \(reason)"
            case .notAMap: "must be a map of setting names to values"
            }
        }
    }

    static func open(_ path: String) async throws -> Opened {
        let isJSON = path.hasSuffix(".json")
        guard isJSON || path.hasSuffix(".yaml") || path.hasSuffix(".yml") else { throw Failure.format }
        do {
            // YAML 1.2 is a superset of JSON: one parser gives the keys of both.
            let text = try String(contentsOf: URL(fileURLWithPath: path), encoding: .utf8)
            guard let keys = try Yams.load(yaml: text).map({ $0 as? [String: Any] }) ?? [:] else {
                throw Failure.notAMap
            }
            let provider: any ConfigProvider =
                if isJSON {
                    try await FileProvider<JSONSnapshot>(filePath: FilePath(path))
                } else {
                    try await FileProvider<YAMLSnapshot>(filePath: FilePath(path))
                }
            return Opened(provider: provider, problems: unknown(Array(keys.keys), in: path))
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure.unreadable("\(error)")
        }
    }

    private static func unknown(_ keys: [String], in path: String) -> [String] {
        let known = Setting.all.map(\.name)
        return keys.filter { !known.contains($0) }.sorted().map { key in
            let meant = NearestName.find(key, among: known).map { "; did you mean \($0)?" } ?? ""
            return "file \(path), \(key): no such setting\(meant)"
        }
    }
}
