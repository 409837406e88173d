import FanfareTestKit
import Testing

@testable import FanfareServer

@Suite("Configuration: report")
struct SettingsReportTests {
    @Test("a value of several lines stays in its column, and no line ends in spaces")
    func columns() async throws {
        let result = try await readConfiguration(environment: [
            "FANFARE_NAMESPACES": "*: presence\n\nchat: join-leave"
        ])
        let lines = SettingsReport.table(result).split(separator: "\n")
        let first = try #require(lines.firstIndex { $0.hasPrefix("namespaces ") })
        let value = try #require(lines[first].firstRange(of: "*: presence"))
        let indent = lines[first].distance(from: lines[first].startIndex, to: value.lowerBound)
        #expect(lines[first + 1] == String(repeating: " ", count: indent) + "chat: join-leave")
        #expect(lines.allSatisfy { $0.last != " " })
    }
}
