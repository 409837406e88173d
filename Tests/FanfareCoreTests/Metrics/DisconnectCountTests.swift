import FanfareWire
import Testing

@testable import FanfareCore

@Suite("Counts of disconnects")
struct DisconnectCountTests {
    @Test("each way of the node's own has a count by its code, and all of applications share one")
    func labels() throws {
        let metrics = LoopMetrics()
        for disconnect in Disconnect.builtIn { metrics.count(disconnect) }
        for code: UInt16 in 4_000...4_999 {
            metrics.count(.application(try #require(ApplicationDisconnect(code: code, reason: "\(code)"))))
        }
        let labels = DisconnectIndex.allCases.map(\.label)
        #expect(labels == Disconnect.builtIn.map { "\($0.code)" } + ["application"])
        #expect(
            DisconnectIndex.allCases.map { metrics.disconnects.value($0) }
                == Disconnect.builtIn.map { _ in 1 } + [1_000])
    }
}
