#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Settings as people and machines read them.
public enum SettingsReport {
    /// Name, value, origin, in columns; a value of several lines stays in its own.
    public static func table(_ result: ConfigurationReader.Result) -> String {
        let rows = result.entries.flatMap { entry in
            let lines = entry.text.split(whereSeparator: \.isNewline).map(String.init)
            return (lines.isEmpty ? ["-"] : lines).enumerated().map { index, line in
                index == 0 ? [entry.setting.name, line, entry.origin] : ["", line, ""]
            }
        }
        let widths = (0..<2).map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let columns = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) } + [row[2]]
            return String(columns.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
        }.joined(separator: "\n")
    }

    /// `{"port":{"value":"8000","origin":"default"},…}`.
    public static func json(_ result: ConfigurationReader.Result) throws -> String {
        struct Value: Encodable {
            let value: String
            let origin: String
        }
        let values = Dictionary(
            uniqueKeysWithValues: result.entries.map {
                ($0.setting.name, Value(value: $0.text, origin: $0.origin))
            })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(values), as: UTF8.self)
    }

    /// The table of `docs/configuration.md`.
    public static var markdown: String {
        let head = ["| option | variable | default | allowed | meaning |", "|---|---|---|---|---|"]
        let rows = Setting.all.map { setting in
            let value = setting.defaultText.isEmpty ? "–" : "`\(setting.defaultText)`"
            return "| `\(setting.flag)` | `\(setting.variable)` | \(value) | \(setting.range) | \(setting.help) |"
        }
        return (head + rows).joined(separator: "\n")
    }
}
