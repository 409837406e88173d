import FanfareProtocols
import FanfareTestKit
import NIOCore
import Synchronization
import Testing

@testable import FanfareWire

@Suite("Table of wire formats")
struct FormatTableTests {
    private let table = FormatTable()

    private func publication(_ text: String) throws -> Publication {
        Publication(channel: try ChannelName("c"), payload: Payload(text: text))
    }

    private func prepared(_ text: String) throws -> PreparedPublication {
        PreparedPublication(try publication(text), formats: table, receivedAt: 0)
    }

    /// A format that puts its own name before every payload, and counts.
    private func definition(_ name: String, counts: FormatCounts = FormatCounts()) -> FormatDefinition {
        .encoded(
            FormatEncoder(publication: { publication in
                counts.add(name)
                return ByteBuffer(string: "\(name) \(String(buffer: publication.payload.bytes))")
            }))
    }

    @Test("formats are in use from their first user to their last")
    func inUse() {
        #expect(table.inUse.isEmpty)
        table.acquire(.centrifugeJSONWebSocket)
        table.acquire(.rawWebSocket)
        table.acquire(.rawWebSocket)
        #expect(table.inUse == [.rawWebSocket, .centrifugeJSONWebSocket])
        table.release(.rawWebSocket)
        table.release(.centrifugeJSONWebSocket)
        #expect(table.inUse == [.rawWebSocket] && table.eager.map(\.format) == [.rawWebSocket])
        table.release(.rawWebSocket)
        #expect(table.inUse.isEmpty && table.eager.isEmpty)
    }

    @Test("a format that is made out of another one keeps that one in use")
    func derived() {
        table.acquire(.rawWebSocketDeflate)
        #expect(table.inUse == [.rawWebSocket, .rawWebSocketDeflate] && table.eager.map(\.format) == [.rawWebSocket])
        #expect(table.plain(.rawWebSocketDeflate)?.format == .rawWebSocket)
        table.release(.rawWebSocketDeflate)
        #expect(table.inUse.isEmpty && table.eager.isEmpty)
    }

    @Test("hundreds of formats are interned at run time, each with frames of its own, and go with their last user")
    func many() throws {
        let counts = FormatCounts()
        let names = (0..<500).map { "format \($0)" }
        let formats = try names.map { name in
            try #require(table.intern(ExactText(name), as: definition(name, counts: counts)))
        }
        #expect(Set(formats).count == 500 && table.inUse == formats)
        let publication = try prepared("x")
        #expect(counts.total == 0, "nobody takes one yet")
        for _ in 0..<3 {
            for (name, format) in zip(names, formats) {
                #expect(String(buffer: publication.frame(format)) == "\(name) x")
            }
        }
        #expect(counts.total == 500, "each is made once")
        for (name, format) in zip(names, formats) {
            #expect(table.intern(ExactText(name), as: definition("another")) == format, "the same parameters")
            table.release(format)
        }
        #expect(table.inUse == formats)
        for format in formats { table.release(format) }
        #expect(table.inUse.isEmpty && formats.allSatisfy { table.definition($0) == nil })
    }

    @Test("an id comes again only after all others, so that a frame that waits is never taken for another format's")
    func ids() throws {
        var seen: Set<WireFormat> = []
        let kept = try #require(table.intern("kept", as: definition("kept")))
        for number in 0..<60_000 {
            let format = try #require(table.intern(ExactText("\(number)"), as: definition("a")))
            #expect(seen.insert(format).inserted && format != kept)
            table.release(format)
        }
        for number in 60_000..<70_000 {
            let format = try #require(table.intern(ExactText("\(number)"), as: definition("a")))
            #expect(format != kept && format != .rawWebSocket && format != .centrifugeJSONWebSocketDeflate)
            table.release(format)
        }
        #expect(table.inUse == [kept])
    }

    @Test("formats with parameters are bounded, and one that goes makes room")
    func bound() throws {
        let formats = try (0..<FormatTable.maximumInterned).map { number in
            try #require(table.intern(ExactText("\(number)"), as: definition("a")))
        }
        #expect(table.intern("one more", as: definition("a")) == nil)
        #expect(table.intern("7", as: definition("a")) == formats[7])
        table.release(formats[9])
        #expect(table.intern("one more", as: definition("a")) != nil)
    }

    @Test("a publication that entered before the first client of a format has its frame, made once")
    func late() throws {
        table.acquire(.rawWebSocket)
        let early = try prepared("x")
        let counts = FormatCounts()
        let format = try #require(table.intern("late", as: definition("late", counts: counts)))
        table.acquire(.centrifugeJSONWebSocket)
        for _ in 0..<2 {
            #expect(String(buffer: early.frame(format)) == "late x")
            #expect(early.frame(.centrifugeJSONWebSocket) == table.encode(early.publication, .centrifugeJSONWebSocket))
        }
        #expect(counts.total == 1)
    }

    @Test("formats with leads leave room for others, and give it back")
    func personal() throws {
        let codec = PersonalEncoder(body: { Body($0.payload) }, writeHeader: { _, _, _ in })
        let formats = try (0..<FormatTable.maximumPersonal).map { number in
            try #require(table.intern(ExactText("personal \(number)"), as: .personal(codec)))
        }
        #expect(table.intern("one more", as: .personal(codec)) == nil)
        #expect(table.intern("personal 7", as: .personal(codec)) == formats[7])
        let others = (0..<FormatTable.maximumInterned - formats.count).map {
            table.intern(ExactText("namespace \($0)"), as: definition("n"))
        }
        #expect(others.allSatisfy { $0 != nil } && table.intern("another", as: definition("n")) == nil)
        for format in formats + [formats[7]] { table.release(format) }
        #expect(table.intern("one more", as: .personal(codec)) != nil)
    }

    @Test(
        "whoever made many formats with leads gets no more when they run short, others do, and what is there is everyone's"
    )
    func makers() throws {
        let codec = PersonalEncoder(body: { Body($0.payload) }, writeHeader: { _, _, _ in })
        func make(_ name: String, by maker: String) -> WireFormat? {
            table.intern(ExactText(name), as: .personal(codec), by: FormatMaker(ExactText(maker)))
        }
        // Nobody has all that anybody may have.
        let most = FormatTable.personalOfAnyMaker
        let greedy = try (0..<most).map { try #require(make("\($0)", by: "greedy")) }
        #expect(make("one more", by: "greedy") == nil && make("7", by: "greedy") == greedy[7])
        for number in most..<FormatTable.freePersonal { #expect(make("\(number)", by: "as greedy") != nil) }
        for number in 0..<FormatTable.personalOfMaker { #expect(make("other \(number)", by: "other") != nil) }
        #expect(make("one more", by: "other") == nil)
        // It is the maker's until its last user is gone, whoever that is.
        let shared = try #require(make("other 0", by: "third"))
        table.release(shared)
        #expect(make("one more", by: "other") == nil)
        table.release(shared)
        #expect(make("one more", by: "other") != nil && make("another", by: "other") == nil)
        // No share holds where nothing is short.
        for format in greedy + [greedy[7]] { table.release(format) }
        #expect(make("another", by: "other") != nil)
    }

    @Test("threads that take and release the same formats find each of them with its own frames")
    func threads() async throws {
        let publication = try publication("x")
        await withTaskGroup(of: Void.self) { group in
            for thread in 0..<4 {
                group.addTask { [table] in
                    for round in 0..<2_000 {
                        let name = "format \((round + thread) % 7)"
                        let format = table.intern(
                            ExactText(name),
                            as: .encoded(FormatEncoder(publication: { _ in ByteBuffer(string: name) })))
                        guard let format else {
                            Issue.record("no room for \(name)")
                            return
                        }
                        table.acquire(.rawWebSocket)
                        let prepared = PreparedPublication(publication, formats: table, receivedAt: 0)
                        #expect(String(buffer: prepared.frame(format)) == name)
                        #expect(prepared.frame(.rawWebSocket).readableBytes == 3)
                        table.release(.rawWebSocket)
                        table.release(format)
                    }
                }
            }
        }
        #expect(table.inUse.isEmpty)
    }
}

/// How often frames were made.
private final class FormatCounts: Sendable {
    private let counts = Mutex<[String: Int]>([:])

    var total: Int { counts.withLock { $0.values.reduce(0, +) } }

    func add(_ name: String) { counts.withLock { $0[name, default: 0] += 1 } }
}
