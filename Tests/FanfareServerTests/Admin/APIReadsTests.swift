import FanfareCore
import FanfareTestKit
import FanfareWire
import NIOCore
import Synchronization
import Testing

@testable import FanfareServer

/// What backends read is bounded, however many of them ask at once and whether or not they take it.
@Suite("Server API: reads under way")
struct APIReadsTests {
    /// Who got a place, in order.
    private final class Turns: Sendable {
        private let state = Mutex<[Int]>([])
        var all: [Int] { state.withLock(\.self) }
        func add(_ number: Int) { state.withLock { $0.append(number) } }
    }

    @Test("a place is given on to who waits longest, and who waits too long has none")
    func places() async throws {
        let reads = APIReads(limit: 2, patience: .seconds(600))
        var first = await reads.enter()
        var second = await reads.enter()
        #expect(first != nil && second != nil && reads.count == 2)
        let turns = Turns()
        var waiting: [Task<Void, Never>] = []
        for number in 0..<4 {
            waiting.append(
                Task {
                    let place = await reads.enter()
                    turns.add(place == nil ? -1 : number)
                    withExtendedLifetime(place) {}
                })
            try await eventually("it waits") { reads.waitingCount == number + 1 }
        }
        first = nil
        for task in waiting { await task.value }
        #expect(turns.all == [0, 1, 2, 3])
        second = nil
        try await eventually("all are given back") { reads.count == 0 }
        let hasty = APIReads(limit: 1, patience: .milliseconds(20))
        let only = await hasty.enter()
        let none = await hasty.enter()
        #expect(only != nil && none == nil && hasty.count == 1)
        withExtendedLifetime(only) {}
    }

    private func with(
        takingTimeout: TimeAmount = AdminServer.takingTimeout, _ body: (AdminPort, AdminContext) async throws -> Void
    ) async throws {
        var rules = ChannelRules()
        rules.history = .init(size: 100, age: .seconds(600))
        let book = ChannelRulebook(namespaces: ["h": rules])
        let metrics = NodeMetrics(loops: 1)
        let broker = MemoryBroker(rules: book, formats: FormatTable(), metrics: metrics.broker)
        broker.start(receivers: [])
        let payload = Payload(text: "\"" + String(repeating: "x", count: 40_000) + "\"")
        for _ in 0..<100 {
            broker.publish(Publication(channel: try ChannelName("h:a"), payload: payload)) { _ in }
        }
        var context = AdminContext.forTest(metrics: metrics, broker: broker)
        context.channels = book
        try await withAdminPort(context, takingTimeout: takingTimeout) { try await body($0, context) }
    }

    @Test("a big history arrives whole, again and again on one connection")
    func whole() async throws {
        try await with { admin, context in
            for _ in 0..<3 {
                let answer = try await admin.request("POST", "/api/history", #"{"channel":"h:a","limit":-1}"#)
                #expect(answer.status == 200 && answer.body.utf8.count > 4_000_000)
                #expect(answer.body.hasSuffix("}}") && answer["content-type"] == "application/json")
            }
            try await eventually("its place is free") { context.reads.count == 0 }
        }
    }
}
