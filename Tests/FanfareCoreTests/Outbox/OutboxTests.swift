import FanfareTestKit
import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore

@Suite("Outbox")
struct OutboxTests {
    private let metrics = LoopMetrics()
    private let memory = QueueMemory(limit: 1 << 40)

    private func queued(_ bytes: ByteBuffer) -> QueuedBytes { QueuedBytes(bytes, memory: memory, metrics: metrics) }

    private func queued(_ byte: UInt8, _ count: Int) -> QueuedBytes {
        queued(ByteBuffer(repeating: byte, count: count))
    }

    /// Bytes of which no two neighbouring parts are alike.
    private static let pattern = ByteBuffer(bytes: (0..<100_300).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) })

    private func bytes(_ start: Int, _ count: Int) -> ByteBuffer {
        Self.pattern.getSlice(at: start, length: count) ?? ByteBuffer()
    }

    private func append(_ parts: [ByteBuffer], to all: inout ByteBuffer) {
        for part in parts { all.writeImmutableBuffer(part) }
    }

    /// The next chunk, in parts.
    /// The transport has written its chunk, and has the next.
    private func take(_ chunk: inout [ByteBuffer], of outbox: inout Outbox, to taken: inout ByteBuffer) {
        append(chunk, to: &taken)
        outbox.completed()
        chunk = next(&outbox)
    }

    private func drop(_ outbox: inout Outbox) {
        let before = outbox.bytes
        let dropped = outbox.dropWaiting { WebSocketFrame.boundary(in: $0, from: $1) }
        #expect(outbox.bytes == before - dropped)
    }

    private func next(_ outbox: inout Outbox) -> [ByteBuffer] {
        var (parts, isLast) = ([ByteBuffer](), [Bool]())
        let size = outbox.next()
        guard size > 0 else { return [] }
        outbox.forEachPart {
            parts.append($0)
            isLast.append($1)
        }
        #expect(parts.reduce(0) { $0 + $1.readableBytes } == size)
        #expect(isLast.last == true && !isLast.dropLast().contains(true))
        return parts
    }

    @Test("bytes come out in the order in which they went in, in chunks, whatever was gone before", arguments: 0..<100)
    func order(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        var outbox = Outbox()
        var (sent, taken) = (ByteBuffer(), ByteBuffer())
        var chunk: [ByteBuffer] = []
        func complete() {
            append(chunk, to: &taken)
            outbox.completed()
            chunk = next(&outbox)
            #expect(chunk.reduce(0) { $0 + $1.readableBytes } <= Outbox.chunkBytes)
        }
        for step in 0..<300 {
            if Bool.random(using: &random) {
                let size = Int.random(in: 1...(step.isMultiple(of: 17) ? 90_000 : 300), using: &random)
                let bytes = self.bytes(step, size)
                let gone = Int.random(in: 0...3, using: &random) == 0 ? Int.random(in: 0..<size, using: &random) : 0
                append([bytes.getSlice(at: gone, length: size - gone) ?? bytes], to: &sent)
                let isCredited = Bool.random(using: &random)
                switch outbox.append(queued(bytes), taken: gone, isCredited: isCredited, limit: .max) {
                case .write:
                    #expect(chunk.isEmpty)
                    chunk = next(&outbox)
                case .queued: #expect(!chunk.isEmpty)
                case .overflow: Issue.record("without a limit")
                }
            } else if !chunk.isEmpty {
                complete()
            }
            #expect(
                outbox.bytes == sent.readableBytes - taken.readableBytes && (0...outbox.bytes).contains(outbox.credit))
        }
        while !chunk.isEmpty { complete() }
        #expect(taken == sent)
        #expect(outbox.isEmpty && outbox.credit == 0)
        #expect(memory.bytes == 0 && metrics.counters.value(.queueMemory) == 0)
    }

    @Test("live bytes above the limit are refused and change nothing; an answer does not count against it")
    func overflow() {
        var outbox = Outbox()
        #expect(outbox.append(queued(1, 5_000_000), isCredited: true, limit: 100) == .write)
        #expect(outbox.append(queued(1, 80), limit: 100) == .queued)
        #expect(outbox.append(queued(1, 20), limit: 100) == .queued)
        #expect(outbox.append(queued(1, 1), limit: 100) == .overflow)
        #expect(outbox.bytes == 5_000_100 && outbox.liveBytes == 100)
        #expect(outbox.append(queued(1, Outbox.maximumCredit), isCredited: true, limit: 100) == .overflow)
    }

    @Test("pieces are bounded in number, however small they are, but not what is behind an answer of many")
    func pieces() {
        let one = queued(1, 3)
        var outbox = Outbox()
        let limit = 1_000_000
        for _ in 0..<Outbox.maximumPieces { _ = outbox.append(one, limit: limit) }
        #expect(outbox.append(one, limit: limit) == .overflow && outbox.pieceCount == Outbox.maximumPieces)
        #expect(outbox.append(one, limit: .max) == .queued, "a farewell")
        _ = outbox.next()
        outbox.completed()
        #expect(outbox.append(one, limit: limit) == .queued)
        outbox.removeAll()
        for _ in 0..<Outbox.maximumPieces + 10 { _ = outbox.append(one, isCredited: true, limit: limit) }
        for _ in 0..<10 { #expect(outbox.append(one, limit: limit) == .queued) }
        #expect(outbox.pieceCount == Outbox.maximumPieces + 20)
        outbox.removeAll()
    }

    @Test("beyond a few, the memory of the pieces themselves is counted, however they go", arguments: 0..<50)
    func pieceMemory(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        let shared = queued(ByteBuffer(bytes: [0x81, 1, 0x61]))
        let whole = memory.bytes
        var outboxes = (0..<3).map { _ in Outbox() }
        func expectCounted() {
            let own = outboxes.reduce(0) { $0 + max(0, $1.pieceCount - Outbox.freePieces) * Outbox.pieceBytes }
            #expect(memory.bytes == whole + own && metrics.counters.value(.queueMemory) == memory.bytes)
        }
        for _ in 0..<40 {
            let index = Int.random(in: 0..<3, using: &random)
            switch Int.random(in: 0..<7, using: &random) {
            case 0: outboxes[index].removeAll()
            case 1: drop(&outboxes[index])
            case 2, 3:
                if outboxes[index].next() == 0 { outboxes[index].completed() }
            default:
                for _ in 0..<Int.random(in: 1...200, using: &random) {
                    _ = outboxes[index].append(shared, limit: .max)
                }
            }
            expectCounted()
        }
        for index in outboxes.indices { outboxes[index].removeAll() }
        #expect(memory.bytes == whole)
    }

    @Test("a single write is taken in any case")
    func single() {
        var outbox = Outbox()
        #expect(outbox.append(queued(1, 1_000), limit: 100) == .write)
        #expect(outbox.append(queued(1, 1), limit: 100) == .overflow)
    }

    @Test("whatever comes and goes, live bytes and credit are never above their bounds", arguments: 0..<100)
    func bounds(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        var outbox = Outbox()
        let limit = 100_000
        // A single write is taken in any case, an answer beyond all credit among them.
        var single = 0
        for _ in 0..<500 {
            let size = Int.random(in: 1...60_000, using: &random)
            let hasLive = outbox.liveBytes > 0
            switch Int.random(in: 0..<5, using: &random) {
            case 0: _ = outbox.append(queued(1, size * 40), isCredited: true, limit: limit)
            case 1, 2: _ = outbox.append(queued(2, size), limit: limit)
            default: outbox.completed()
            }
            _ = next(&outbox)
            if !hasLive { single = outbox.liveBytes }
            #expect(outbox.liveBytes <= max(limit, single))
            #expect(outbox.credit <= Outbox.maximumCredit && outbox.credit >= 0)
        }
        outbox.removeAll()
        #expect(outbox.isEmpty && memory.bytes == 0)
    }

    @Test(
        "dropping keeps what the transport has and the end of the frame of which it has the beginning",
        arguments: 0..<200)
    func drop(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        var outbox = Outbox()
        var (all, boundaries): (ByteBuffer, Set<Int>) = (ByteBuffer(), [0])
        for number in 0..<12 {
            var batch = ByteBuffer()
            var ends: [Int] = []
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let size = Int.random(in: 0...(number.isMultiple(of: 5) ? 100_000 : 400), using: &random)
                WebSocketFrame.encode(.text, into: &batch, payload: bytes(number, size))
                ends.append(batch.readableBytes)
            }
            // The kernel may have taken a part of the first batch.
            let gone = number == 0 ? Int.random(in: 0..<batch.readableBytes, using: &random) : 0
            let start = all.readableBytes - gone
            append([batch.getSlice(at: gone, length: batch.readableBytes - gone) ?? batch], to: &all)
            for end in ends where start + end > 0 { boundaries.insert(start + end) }
            _ = outbox.append(queued(batch), taken: gone, limit: .max)
            if number == 0, gone > 0 { boundaries.remove(0) }
        }
        var taken = ByteBuffer()
        var chunk = next(&outbox)
        for _ in 0..<Int.random(in: 0...3, using: &random) { take(&chunk, of: &outbox, to: &taken) }
        drop(&outbox)
        _ = outbox.append(queued(WebSocketFrame.close(.slow)), limit: .max)
        if chunk.isEmpty { chunk = next(&outbox) }
        while !chunk.isEmpty { take(&chunk, of: &outbox, to: &taken) }
        let close = WebSocketFrame.close(.slow)
        let kept = taken.readableBytes - close.readableBytes
        #expect(taken.getSlice(at: kept, length: close.readableBytes) == close)
        #expect(taken.getSlice(at: 0, length: kept) == all.getSlice(at: 0, length: kept) && boundaries.contains(kept))
        #expect(memory.bytes == 0)
    }

    @Test(
        "of a frame in parts, dropping keeps all when it has begun, and none when it has not",
        arguments: 0..<200)
    func dropSplit(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        var outbox = Outbox()
        var (all, boundaries): (ByteBuffer, Set<Int>) = (ByteBuffer(), [0])
        for number in 0..<12 {
            let size = Int.random(in: 1...(number.isMultiple(of: 3) ? 100_000 : 400), using: &random)
            let whole = WebSocketFrame.encode(.text, payload: bytes(number, size))
            // Mostly in two parts or three, of which the kernel may have taken something of the first.
            let head = Int.random(in: 0..<4, using: &random) == 0 ? 0 : Int.random(in: 2...(size + 1), using: &random)
            let gone = number == 0 ? Int.random(in: 0..<whole.readableBytes, using: &random) : 0
            let start = all.readableBytes - gone
            append([whole.getSlice(at: gone, length: whole.readableBytes - gone) ?? whole], to: &all)
            boundaries.insert(start + whole.readableBytes)
            if gone > 0 { boundaries.remove(0) }
            guard head > 0, let first = whole.getSlice(at: 0, length: head),
                let rest = whole.getSlice(at: head, length: whole.readableBytes - head)
            else {
                _ = outbox.append(queued(whole), taken: gone, limit: .max)
                continue
            }
            _ = outbox.append(
                queued(first), taken: min(gone, head), part: .head, behind: rest.readableBytes, limit: .max)
            let end = Bool.random(using: &random) ? 0 : Int.random(in: 0...rest.readableBytes, using: &random)
            for (start, count) in [(0, rest.readableBytes - end), (rest.readableBytes - end, end)] where count > 0 {
                guard let part = rest.getSlice(at: rest.readerIndex + start, length: count) else { continue }
                let taken = min(count, max(0, gone - head - start))
                _ = outbox.append(queued(part), taken: taken, part: .rest, limit: .max)
            }
        }
        var taken = ByteBuffer()
        var chunk = next(&outbox)
        for _ in 0..<Int.random(in: 0...3, using: &random) { take(&chunk, of: &outbox, to: &taken) }
        drop(&outbox)
        while !chunk.isEmpty { take(&chunk, of: &outbox, to: &taken) }
        #expect(taken == all.getSlice(at: 0, length: taken.readableBytes) && boundaries.contains(taken.readableBytes))
        #expect(outbox.isEmpty && memory.bytes == 0)
    }

    @Test("a frame in two parts is refused as a whole: its head counts for both")
    func splitOverflow() {
        var outbox = Outbox()
        #expect(outbox.append(queued(1, 50), limit: 100) == .write)
        #expect(outbox.append(queued(1, 10), part: .head, behind: 41, limit: 100) == .overflow)
        #expect(outbox.append(queued(1, 10), part: .head, behind: 40, limit: 100) == .queued)
        #expect(outbox.append(queued(1, 40), part: .rest, limit: 100) == .queued)
        #expect(outbox.liveBytes == 100)
        var empty = Outbox()
        #expect(empty.append(queued(1, 10), part: .head, behind: 400, limit: 100) == .write)
        #expect(empty.append(queued(1, 400), part: .rest, limit: 100) == .queued)
    }

    @Test("what many clients get of a history, each in a turn of its own, counts once as long as one of them holds it")
    func sharedLater() {
        var ledger = QueueLedger(memory: memory, metrics: metrics)
        var outboxes = (0..<100).map { _ in Outbox() }
        for round in 1...3 {
            let pages = (0..<20).map { _ in ByteBuffer(repeating: 1, count: QueueLedger.largeBytes) }
            for index in outboxes.indices {
                _ = outboxes[index].append(ledger.entry(for: pages[index % pages.count]), limit: .max)
                ledger.forget()
            }
            #expect(
                memory.bytes == pages.reduce(0) { $0 + $1.storageCapacity + QueuedBytes.ownBytes }, "round \(round)")
            for index in outboxes.indices { outboxes[index].removeAll() }
            #expect(memory.bytes == 0)
        }
    }

    @Test("what clients share is in memory once, and nothing of it when the last has taken it")
    func shared() {
        var ledger = QueueLedger(memory: memory, metrics: metrics)
        let batch = ByteBuffer(repeating: 1, count: 50_000)
        var outboxes = (0..<100).map { _ in Outbox() }
        for index in outboxes.indices { _ = outboxes[index].append(ledger.entry(for: batch), limit: .max) }
        ledger.forget()
        let size = batch.storageCapacity + QueuedBytes.ownBytes
        #expect(memory.bytes == size && metrics.counters.value(.queueMemory) == size)
        #expect(outboxes[0].share == size / 100)
        for index in outboxes.indices.dropFirst() { outboxes[index].removeAll() }
        #expect(outboxes[0].share == size)
        _ = outboxes[0].next()
        outboxes[0].completed()
        #expect(memory.bytes == 0)
    }

    @Test("other bytes are not taken for those before them")
    func ledger() {
        var ledger = QueueLedger(memory: memory, metrics: metrics)
        let bytes = ByteBuffer(repeating: 1, count: 100)
        let entry = ledger.entry(for: bytes)
        #expect(ledger.entry(for: bytes) === entry)
        var other = bytes
        other.writeInteger(UInt8(2))
        #expect(ledger.entry(for: other) !== entry)
        if let start = bytes.getSlice(at: 0, length: 50) { #expect(ledger.entry(for: start) !== entry) }
        ledger.forget()
        #expect(ledger.entry(for: bytes) !== entry)
    }
}
