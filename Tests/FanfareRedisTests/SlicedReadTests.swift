import FanfareCore
import FanfareTestKit
import FanfareWire
import NIOCore
import Testing

@testable import FanfareRedis

@Suite("Sliced reads")
struct SlicedReadTests {
    /// A stream as Redis keeps it.
    private struct Stream {
        var epoch = "abcdefgh"
        var offset: UInt64 = 0
        var kept: [Publication] = []

        mutating func append(_ bytes: Int, keeping size: Int) throws {
            offset += 1
            kept.append(
                Publication(
                    channel: try ChannelName("c"),
                    payload: Payload(kind: .binary, bytes: ByteBuffer(repeating: 1, count: bytes)),
                    position: StreamPosition(offset: offset, epoch: epoch)))
            if kept.count > size { kept.removeFirst(kept.count - size) }
        }

        func read(_ query: HistoryQuery) -> HistoryPage {
            let since = query.since?.offset
            let found = (query.reverse ? kept.reversed() : kept).filter { publication in
                guard let since, let offset = publication.position?.offset else { return true }
                return query.reverse ? offset < since : offset > since
            }
            var bytes = query.maxBytes
            let page = found.prefix(query.limit).prefix { publication in
                defer { bytes -= publication.payload.bytes.readableBytes }
                return bytes > 0
            }
            return HistoryPage(
                publications: Array(page), position: StreamPosition(offset: offset, epoch: epoch),
                isCut: page.count < found.count && query.limit > 0)
        }
    }

    private func run(
        _ query: HistoryQuery, _ stream: inout Stream, startsSmall: Bool = false,
        between: (inout Stream) throws -> Void = { _ in }
    ) throws -> (page: HistoryPage?, slices: Int) {
        var read = SlicedRead(query, startsSmall: startsSmall)
        for slices in 1...1_000 {
            #expect(read.next.limit <= RedisBounds.sliceEntries && read.next.maxBytes <= RedisBounds.sliceBytes)
            switch read.take(stream.read(read.next)) {
            case .done(let page): return (page, slices)
            case .giveUp: return (nil, slices)
            case .goOn: try between(&stream)
            }
        }
        throw NotInTime(what: "the end of a read")
    }

    @Test("a page is the same, whatever slices it is read in")
    func same() throws {
        var stream = Stream()
        for number in 0..<1_500 { try stream.append(number % 7 == 0 ? 6_000 : 500, keeping: 1_200) }
        for reverse in [false, true] {
            for since in [nil, 1_000, 310, 0] as [UInt64?] {
                for (limit, bytes) in [(0, 4_000_000), (1, 4_000_000), (1_000, 4_000_000), (5_000, 900_000)] {
                    let query = HistoryQuery(
                        since: since.map { StreamPosition(offset: $0, epoch: stream.epoch) }, limit: limit,
                        reverse: reverse, maxBytes: bytes)
                    for startsSmall in [false, true] {
                        let (page, _) = try run(query, &stream, startsSmall: startsSmall)
                        #expect(page == stream.read(query))
                    }
                }
            }
        }
    }

    @Test("64 publications of 60 KB are 32 slices, a thousand small ones twenty")
    func slices() throws {
        var stream = Stream()
        for _ in 0..<64 { try stream.append(60_000, keeping: 100) }
        #expect(try run(HistoryQuery(limit: 1_000), &stream).slices == 32)
        stream = Stream()
        for _ in 0..<1_000 { try stream.append(500, keeping: 1_000) }
        #expect(try run(HistoryQuery(limit: 1_000), &stream).slices == 20)
    }

    @Test(
        "what falls out of the stream between slices is missing, and never a hole that looks whole", arguments: 0..<60)
    func trimmed(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var stream = Stream()
        for _ in 0..<600 { try stream.append(100, keeping: 600) }
        let place = StreamPosition(offset: UInt64.random(in: 0...300, using: &random), epoch: stream.epoch)
        let step = Int.random(in: 1...400, using: &random)
        let (found, _) = try run(HistoryQuery(since: place, limit: 2_000), &stream) { stream in
            for _ in 0..<step { try stream.append(100, keeping: 600) }
        }
        let page = try #require(found)
        let offsets = page.publications.compactMap(\.position?.offset)
        let last = page.isCut ? offsets.last : page.position.offset
        #expect(offsets.first.map { Array($0...(last ?? 0)) } == offsets)
        if let whole = page.publications(after: place), !page.isCut {
            #expect(whole.count == Int(page.position.offset - place.offset))
        }
    }

    @Test("a stream that is emptied between slices has no old beginning")
    func emptied() throws {
        var stream = Stream()
        for _ in 0..<600 { try stream.append(100, keeping: 600) }
        let place = StreamPosition(offset: 0, epoch: stream.epoch)
        let (page, _) = try run(HistoryQuery(since: place, limit: 2_000), &stream) { $0.kept = [] }
        #expect(page?.publications.isEmpty == true)
        #expect(page?.publications(after: place) == nil)
        #expect(page?.position.offset == 600)
    }

    @Test("a stream that begins anew is read anew, but not for ever")
    func anew() throws {
        var stream = Stream()
        for _ in 0..<600 { try stream.append(100, keeping: 600) }
        var lives = 0
        let (page, _) = try run(HistoryQuery(limit: 2_000), &stream) { stream in
            guard lives == 0 else { return }
            lives += 1
            stream = Stream(epoch: "otherone")
            for _ in 0..<300 { try stream.append(100, keeping: 600) }
        }
        #expect(page == stream.read(HistoryQuery(limit: 2_000)))
        let (none, _) = try run(HistoryQuery(limit: 2_000), &stream) { stream in
            stream.epoch = stream.epoch == "otherone" ? "another1" : "otherone"
        }
        #expect(none == nil)
    }
}
