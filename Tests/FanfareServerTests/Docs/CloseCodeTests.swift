import FanfareWire
import Foundation
import Support
import Testing

@Suite("Close codes in docs/protocol.md")
struct CloseCodeTests {
    /// Code and advice of each row of the table under "How a client ends".
    private func table() throws -> [(code: UInt16, reconnect: Bool)] {
        let text = try String(contentsOfFile: Repository.path + "/docs/protocol.md", encoding: .utf8)
        let section = try #require(text.components(separatedBy: "## How a client ends").dropFirst().first)
        let rows = section.split(separator: "\n").filter { $0.hasPrefix("| ") }.dropFirst()
        return rows.flatMap { row -> [(code: UInt16, reconnect: Bool)] in
            let cells = row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard let codes = cells.first, let advice = cells.last else { return [] }
            return codes.split(separator: ",").compactMap {
                UInt16($0.trimmingCharacters(in: .whitespaces)).map { ($0, advice.hasPrefix("yes")) }
            }
        }
    }

    @Test("the page has every code of Disconnect once, and no other")
    func codes() throws {
        #expect(try table().map(\.code).sorted() == Disconnect.allCases.map(\.code))
        #expect(Set(try table().map(\.code)).count == Disconnect.allCases.count)
    }

    @Test(
        "the page says whether to come back, as Disconnect does and the ranges of the protocol",
        arguments: Disconnect.allCases)
    func advice(disconnect: Disconnect) throws {
        let row = try #require(try table().first { $0.code == disconnect.code })
        #expect(row.reconnect == disconnect.reconnect, "\(disconnect.code)")
        switch disconnect.code {
        case 3_000...3_499, 4_000...4_499: #expect(disconnect.reconnect)
        case 3_500...3_999, 4_500...4_999: #expect(!disconnect.reconnect)
        default: break
        }
    }
}
