#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

extension BenchReport {
    /// One JSON object on one line, keys in snake case and in alphabetical order. What was not measured is absent.
    public func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
