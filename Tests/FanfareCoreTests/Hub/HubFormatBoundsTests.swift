import FanfareProtocols
import FanfareWire
import Testing

@testable import FanfareCore

/// A publication is written once for each of a channel's formats, before anybody has it.
@Suite("Hub shard: bounds of formats that clients make")
struct HubFormatBoundsTests {
    private let formats = FormatTable()
    private let maximum = HubShard<TestMember>.maximumFormats

    /// A format of its own for each name.
    private func format(_ name: String) throws -> WireFormat {
        try #require(formats.intern(ExactText(name), as: .personal(PlainCodec(), in: WebSocketFraming())))
    }

    private func subscribe(_ bench: HubBench, _ format: WireFormat, _ lead: String = "<>") -> TestMember {
        let member = bench.client(format: format)
        bench.subscribe(member, "a", request: 1, format: format, as: .fixed(Array(lead.utf8)), isInterned: true)
        return member
    }

    @Test("a channel has so many: another one is refused, but neither the same once more nor a built-in one")
    func limit() throws {
        let bench = HubBench()
        let known = try (0..<maximum).map { try format("\($0)") }
        // Leads of several lengths are lists of their own, and the same format.
        let members = known.map { subscribe(bench, $0) } + known.map { subscribe(bench, $0, "<longer>") }
        #expect(members.allSatisfy { $0.answers == ["+a#1"] })
        let other = try format("other")
        #expect(subscribe(bench, other).answers == ["!a#1"])
        #expect(bench.metrics.counters.value(.formatRefusals) == 1)
        let stomp = bench.client()
        bench.subscribe(stomp, "a", request: 1, format: other, lead: "<1>")
        let raw = bench.client()
        bench.subscribe(raw, "a")
        #expect(stomp.answers == ["+a#1"] && raw.answers == ["+a#0"])
        // Both lists of a format have to be gone.
        bench.shard.leave(members[0])
        #expect(subscribe(bench, other).answers == ["!a#1"])
        bench.shard.leave(members[maximum])
        #expect(subscribe(bench, other).answers == ["+a#1"])
    }

    @Test("each format beyond the first counts as all bytes of the publication")
    func work() throws {
        let bench = HubBench()
        for name in ["a", "b", "c"] { _ = subscribe(bench, try format(name)) }
        let text = String(repeating: "x", count: 1_000)
        try bench.publish("a", text, formats)
        #expect(bench.shard.takeWork() == 2 * 1_000)
    }
}
