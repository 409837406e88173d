import FanfareTestKit
import NIOCore

@testable import FanfareWire

/// Frames of a streamed answer in both ways, which have to carry the same.
struct FramedStream<Frames: StreamFraming> {
    private let framing: Frames
    private(set) var bare = ByteBuffer()
    private var chunked = ByteBuffer()
    private var count = 0

    init(_ framing: Frames) { self.framing = framing }

    mutating func add(_ payload: Payload, _ position: StreamPosition?) {
        let frame = framing.seal(Body(payload), at: position)
        // A codec's own memory instead of one that others hold.
        let written = Body(payload.kind, sizeHint: 0) { $0.writeImmutableBuffer(payload.bytes) }
        expect(framing.seal(written, at: position) == frame, "the same body is framed otherwise")
        bare.writeImmutableBuffer(frame)
        chunked.writeImmutableBuffer(ChunkedFraming(framing).seal(written, at: position))
        count += 1
    }

    mutating func add(_ frame: ByteBuffer) {
        bare.writeImmutableBuffer(StreamDelimiting.bare.seal(frame))
        chunked.writeImmutableBuffer(StreamDelimiting.chunked.seal(frame))
        count += 1
    }

    /// Ends the answer, and reads its chunks.
    mutating func end() {
        var reader = ChunkReader()
        reader.feed(chunked.readableBytesView)
        expect(reader.isBetweenChunks && !reader.hasEnded, "the answer has ended: \(reader.problem ?? "early")")
        reader.feed(StreamDelimiting.chunked.end.readableBytesView)
        expect(reader.hasEnded && reader.sizes.count == count, "\(count) frames are \(reader.sizes.count) chunks")
        expect(reader.data.elementsEqual(bare.readableBytesView), "chunks carry something else")
    }
}

extension FuzzInput {
    /// A place, or none.
    mutating func position() -> StreamPosition? {
        guard bool() else { return nil }
        return StreamPosition(
            offset: bool() ? integer() : UInt64(byte()), epoch: pick(["e", "k3vxq7ab", "ABCDEFGHIJKLMNO"]))
    }

    /// A payload, text or binary, up to the next zero or of a length that comes first.
    mutating func payload() -> Payload {
        let (isText, isPiece) = (bool(), bool())
        let length = isPiece ? 0 : pick(64)
        let part = isPiece ? piece() : bytes(length)
        guard isText else { return Payload(kind: .binary, bytes: part.buffer) }
        return Payload(text: String(decoding: part, as: UTF8.self))
    }
}

extension ByteBuffer {
    /// The bytes in pieces of 1 to 32.
    func cut(_ seed: UInt32, _ body: (ByteBuffer) -> Void) {
        var (rest, seed) = (self, seed)
        while rest.readableBytes > 0 {
            seed = seed &* 1_664_525 &+ 1_013_904_223
            guard let piece = rest.readSlice(length: min(rest.readableBytes, 1 + Int(seed >> 24) % 32)) else { return }
            body(piece)
        }
    }
}
