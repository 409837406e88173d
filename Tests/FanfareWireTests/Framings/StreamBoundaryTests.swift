import FanfareTestKit
import NIOCore
import Testing

@testable import FanfareWire

@Suite("Where frames of a stream end")
struct StreamBoundaryTests {
    /// Frames one behind the other, and where each of them ends.
    private struct Run {
        private(set) var bytes = ByteBuffer()
        private(set) var ends = [0]

        mutating func add(_ frame: ByteBuffer) {
            bytes.writeImmutableBuffer(frame)
            ends.append(bytes.readableBytes)
        }

        /// The first end at an offset or behind it.
        func end(from offset: Int) -> Int { ends.first { $0 >= offset } ?? bytes.readableBytes }

        /// What a function says for every offset.
        func nextEnds(_ end: (Int) -> Int) -> [Int] { (0...bytes.readableBytes).map(end) }
    }

    @Test("the end that comes next is found from every byte, with and without chunks", arguments: 0..<20)
    func anything(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        compare(EventStreamFraming(), [EventStreamFraming.ping, EventStreamFraming.retry(milliseconds: 70)], &random)
        compare(HTTPStreamFraming(), [HTTPStreamFraming.ping], &random)
        compare(UnpositionedFraming(EventStreamFraming()), [EventStreamFraming.ping], &random)
    }

    private func compare(_ framing: some StreamFraming, _ others: [ByteBuffer], _ random: inout SeededRandom) {
        let chunked = ChunkedFraming(framing)
        var (bare, chunks) = (Run(), Run())
        for offset in 1...20 as ClosedRange<UInt64> {
            let text = Bool.random(using: &random) ? OddText.make(&random) : OddText.makeJSON(&random)
            let position = Bool.random(using: &random) ? StreamPosition(offset: offset, epoch: "e") : nil
            let isBinary = Int.random(in: 0..<4, using: &random) == 0
            let payload = Payload(kind: isBinary ? .binary : .text, bytes: ByteBuffer(string: text))
            bare.add(framing.seal(Body(payload), at: position))
            chunks.add(chunked.seal(Body(payload), at: position))
            for other in others where Bool.random(using: &random) {
                bare.add(other)
                chunks.add(StreamDelimiting.chunked.seal(other))
            }
        }
        chunks.add(StreamDelimiting.chunked.end)
        #expect(bare.nextEnds { framing.boundary(in: bare.bytes, from: $0) } == bare.nextEnds(bare.end))
        #expect(chunks.nextEnds { chunked.boundary(in: chunks.bytes, from: $0) } == chunks.nextEnds(chunks.end))
    }

    @Test("the end of what stands behind its length is found from every byte, and of a part it is the end of all")
    func lengths() {
        let framing = LengthFraming()
        var run = Run()
        for count in [0, 1, 127, 128, 300, 20_000, 0, 5] {
            let body = Body(.binary, sizeHint: count) { buffer in
                buffer.writeProtobufMessage { $0.writeRepeatingByte(0xFF, count: count) }
            }
            #expect(framing.seal(body, at: nil) == body.bytes)
            run.add(body.bytes)
        }
        #expect(run.nextEnds { framing.boundary(in: run.bytes, from: $0) } == run.nextEnds(run.end))
        run.add(ByteBuffer(bytes: [9, 1, 2]))
        let size = run.bytes.readableBytes
        #expect(framing.boundary(in: run.bytes, from: size - 1) == size)
    }

    @Test(
        "bytes that are no whole frames end where they end",
        arguments: ["", "x", "g\r\n", "ffffffffffffffff\r\n", "-5\r\n"])
    func broken(text: String) {
        let bytes = ByteBuffer(string: text)
        let chunked = ChunkedFraming(EventStreamFraming())
        for offset in 1...bytes.readableBytes + 1 {
            #expect(chunked.boundary(in: bytes, from: offset) == bytes.readableBytes)
            #expect(EventStreamFraming().boundary(in: bytes, from: offset) == bytes.readableBytes)
        }
    }
}
