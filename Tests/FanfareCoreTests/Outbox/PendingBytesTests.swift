import FanfareTestKit
import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore

@Suite("Pending bytes")
struct PendingBytesTests {
    @Test("bytes of a turn stay in order, each client its own, and nothing large is copied", arguments: 0..<60)
    func model(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        var join = CombinedFrames()
        var turns = (0..<4).map { _ in (pending: PendingBytes(), bytes: ByteBuffer(), credit: 0) }
        for step in 0..<40 {
            let size = Int.random(in: 1...(step.isMultiple(of: 3) ? 30_000 : 900), using: &random)
            let bytes = ByteBuffer(repeating: UInt8(step), count: size)
            let isCredited = Int.random(in: 0..<4, using: &random) == 0
            let start = bytes.withUnsafeReadableBytes(\.baseAddress)
            for index in turns.indices where Bool.random(using: &random) {
                let head = ByteBuffer(repeating: 255, count: Int.random(in: 1...9, using: &random))
                if Int.random(in: 0..<4, using: &random) == 0 {
                    // A head of its own before what others have, too.
                    turns[index].pending.append(SplitFrame(head: head, body: bytes), isCredited: isCredited)
                    turns[index].bytes.writeImmutableBuffer(head)
                    if isCredited { turns[index].credit += head.readableBytes }
                } else if Bool.random(using: &random) {
                    turns[index].pending.append(bytes, isCredited: isCredited, join: &join)
                } else {
                    turns[index].pending.append(bytes, isCredited: isCredited)
                }
                turns[index].bytes.writeImmutableBuffer(bytes)
                if isCredited { turns[index].credit += size }
                guard size > CombinedFrames.sharedBytes else { continue }
                let last = turns[index].pending.pieces.last?.bytes.withUnsafeReadableBytes(\.baseAddress)
                #expect(last == start, "a reference, not a copy")
            }
            for turn in turns {
                let pieces = turn.pending.pieces
                let all = pieces.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1.bytes) }
                #expect(all == turn.bytes && turn.pending.bytes == turn.bytes.readableBytes)
                #expect(turn.pending.credit == turn.credit)
                #expect(pieces.filter(\.isCredited).reduce(0) { $0 + $1.bytes.readableBytes } == turn.credit)
                let parts = pieces.map(\.part)
                #expect(zip(parts, parts.dropFirst()).allSatisfy { ($0 == .head) == ($1 == .rest) })
                #expect(parts.first != .rest && parts.last != .head)
                #expect(turn.pending.isEmpty == (turn.bytes.readableBytes == 0))
            }
        }
    }

    @Test("a frame in parts stays in parts, whatever their size")
    func parts() {
        var pending = PendingBytes()
        pending.append(ByteBuffer(string: "before"))
        pending.append(["a", "b", "c"].map { ByteBuffer(string: $0) }, isCredited: true)
        pending.append(ByteBuffer(string: "behind"), isCredited: true)
        #expect(pending.pieces.map { String(buffer: $0.bytes) } == ["before", "a", "b", "c", "behind"])
        #expect(pending.pieces.map(\.part) == [.whole, .head, .rest, .rest, .whole])
        #expect(pending.bytes == 15 && pending.credit == 9)
    }

    @Test("clients with the same small bytes share one copy, also behind large ones")
    func shared() {
        var join = CombinedFrames()
        var turns = [PendingBytes(), PendingBytes()]
        for bytes in [ByteBuffer(repeating: 1, count: 9_000), ByteBuffer(string: "a"), ByteBuffer(string: "b")] {
            for index in turns.indices { turns[index].append(bytes, join: &join) }
        }
        let last = turns.map { $0.pieces.last?.bytes.withUnsafeReadableBytes(\.baseAddress) }
        #expect(last[0] == last[1] && turns[0].pieces.count == 2 && turns[0].single == nil)
    }
}
