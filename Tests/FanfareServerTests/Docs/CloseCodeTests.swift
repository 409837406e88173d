import FanfareTestKit
import FanfareWire
import Foundation
import Testing

@Suite("Close codes in docs/protocol.md")
struct CloseCodeTests {
    /// Code and advice of each row of the table under "How a client ends"; of a range both ends.
    private func table() throws -> [(code: UInt16, advice: Disconnect.Advice)] {
        let text = try String(contentsOfFile: Repository.path + "/docs/protocol.md", encoding: .utf8)
        let section = try #require(text.components(separatedBy: "## How a client ends").dropFirst().first)
        let rows = section.split(separator: "\n").filter { $0.hasPrefix("| ") }.dropFirst()
        return rows.flatMap { row -> [(code: UInt16, advice: Disconnect.Advice)] in
            let cells = row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard let codes = cells.first, let words = cells.last else { return [] }
            let advice: Disconnect.Advice =
                words.hasPrefix("yes") ? .reconnect : words.hasPrefix("never") ? .terminal : .doNotReconnect
            return codes.split { $0 == "," || $0 == "–" }.compactMap {
                UInt16($0.trimmingCharacters(in: .whitespaces)).map { ($0, advice) }
            }
        }
    }

    @Test("the page has every code of Disconnect once, the codes of applications, and no other")
    func codes() throws {
        let codes = try table().map(\.code)
        #expect(codes.sorted() == Disconnect.builtIn.map(\.code) + [4_000, 4_499, 4_500, 4_999])
        #expect(Set(codes).count == codes.count)
    }

    @Test(
        "the page says whether to come back, as Disconnect does and the ranges of the protocol",
        arguments: Disconnect.builtIn
            + [4_000, 4_499, 4_500, 4_999].compactMap {
                ApplicationDisconnect(code: $0, reason: "").map(Disconnect.application)
            })
    func advice(disconnect: Disconnect) throws {
        let row = try #require(try table().first { $0.code == disconnect.code })
        #expect(row.advice == disconnect.advice, "\(disconnect.code)")
        switch disconnect.code {
        case 3_000...3_499, 4_000...4_499: #expect(disconnect.advice == .reconnect)
        case 3_500...3_999, 4_500...4_999: #expect(disconnect.advice != .reconnect)
        default: break
        }
    }
}
