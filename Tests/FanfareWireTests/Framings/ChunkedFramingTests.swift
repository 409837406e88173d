import FanfareTestKit
import NIOCore
import Testing

@testable import FanfareWire

@Suite("Frames in chunks")
struct ChunkedFramingTests {
    /// Frames that are their bodies' bytes.
    private struct Plain: StreamFraming {
        func sizeHint(_ body: Body, at position: StreamPosition?) -> Int { body.bytes.readableBytes }

        func write(_ body: Body, at position: StreamPosition?, into frame: inout ByteBuffer) {
            frame.writeImmutableBuffer(body.bytes)
        }

        func boundary(in frames: ByteBuffer, from offset: Int) -> Int { offset }
    }

    @Test(
        "a frame is one chunk, with the shortest size",
        arguments: [
            (1, "1"), (15, "f"), (16, "10"), (255, "ff"), (256, "100"), (65_536, "10000"), (1_048_577, "100001"),
        ])
    func sizes(count: Int, size: String) {
        let text = String(repeating: "x", count: count)
        let frame = ChunkedFraming(Plain()).seal(Body(Payload(text: text)), at: nil)
        #expect(String(buffer: frame) == "\(size)\r\n\(text)\r\n")
    }

    @Test("a frame without bytes is none, for an empty chunk ends the answer")
    func empty() {
        #expect(ChunkedFraming(Plain()).seal(Body(Payload(text: "")), at: nil).readableBytes == 0)
        #expect(StreamDelimiting.chunked.seal(ByteBuffer()).readableBytes == 0)
    }

    @Test("pings and the end of an answer, in both ways")
    func others() {
        let (chunked, bare) = (StreamDelimiting.chunked, StreamDelimiting.bare)
        #expect(String(buffer: chunked.seal(EventStreamFraming.ping)) == "2\r\n:\n\r\n")
        #expect(String(buffer: chunked.seal(HTTPStreamFraming.ping)) == "1\r\n\n\r\n")
        #expect(String(buffer: chunked.seal(EventStreamFraming.retry(milliseconds: 100))) == "b\r\nretry: 100\n\r\n")
        #expect(String(buffer: chunked.end) == "0\r\n\r\n")
        #expect(bare.seal(EventStreamFraming.ping) == EventStreamFraming.ping && bare.end.readableBytes == 0)
    }

    @Test("what chunks carry is what is sent without them, frame for frame", arguments: 0..<20)
    func anything(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        compare(EventStreamFraming(), EventStreamFraming.ping, &random)
        compare(HTTPStreamFraming(), HTTPStreamFraming.ping, &random)
    }

    private func compare(_ framing: some StreamFraming, _ ping: ByteBuffer, _ random: inout SeededRandom) {
        let chunked = ChunkedFraming(framing)
        var (stream, bare) = (ByteBuffer(), ByteBuffer())
        var count = 0
        for offset in 1...200 as ClosedRange<UInt64> {
            let text = Bool.random(using: &random) ? OddText.make(&random) : OddText.makeJSON(&random)
            let position = Bool.random(using: &random) ? StreamPosition(offset: offset, epoch: "e") : nil
            let isBinary = Int.random(in: 0..<4, using: &random) == 0
            let payload = Payload(kind: isBinary ? .binary : .text, bytes: ByteBuffer(string: text))
            bare.writeImmutableBuffer(framing.seal(Body(payload), at: position))
            stream.writeImmutableBuffer(chunked.seal(Body(payload), at: position))
            count += 1
            guard Bool.random(using: &random) else { continue }
            bare.writeImmutableBuffer(StreamDelimiting.bare.seal(ping))
            stream.writeImmutableBuffer(StreamDelimiting.chunked.seal(ping))
            count += 1
        }
        var reader = ChunkReader()
        reader.feed(stream.readableBytesView)
        #expect(reader.isBetweenChunks && !reader.hasEnded && reader.sizes.count == count)
        reader.feed(StreamDelimiting.chunked.end.readableBytesView)
        #expect(reader.hasEnded && reader.problem == nil)
        #expect(reader.data == Array(bare.readableBytesView))
    }

    @Test("the formats of raw clients are these framings")
    func formats() throws {
        let table = FormatTable()
        let place = StreamPosition(offset: 7, epoch: "e")
        let publication = Publication(channel: try ChannelName("c"), payload: Payload(text: "hi"), position: place)
        let expected: [(WireFormat, String)] = [
            (.rawEventStream, "id: 7.e\ndata: hi\n\n"),
            (.rawEventStreamChunked, "12\r\nid: 7.e\ndata: hi\n\n\r\n"),
            (.rawHTTPStream, #"{"id":"7.e","data":"hi"}"# + "\n"),
            (.rawHTTPStreamChunked, "19\r\n" + #"{"id":"7.e","data":"hi"}"# + "\n\r\n"),
        ]
        let event = PresenceEvent(channel: publication.channel, kind: .join, info: ClientInfo(client: "1"))
        for (format, text) in expected {
            table.acquire(format)
            let prepared = PreparedPublication(publication, formats: table, receivedAt: 0)
            #expect(String(buffer: prepared.frame(format)) == text)
            #expect(PreparedPresenceEvent(event, formats: table).frame(format) == nil)
            table.release(format)
        }
    }
}
