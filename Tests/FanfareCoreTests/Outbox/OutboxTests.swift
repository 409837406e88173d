import NIOCore
import Support
import Testing

@testable import FanfareCore

@Suite("Outbox")
struct OutboxTests {
    @Test("bytes come out in the order in which they went in, however the transport takes them", arguments: 0..<200)
    func order(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        var outbox = Outbox()
        var (sent, taken): ([UInt8], [UInt8]) = ([], [])
        var chunk: ByteBuffer?
        for step in 0..<300 {
            if Bool.random(using: &random) {
                let size = Int.random(in: 1...(step.isMultiple(of: 17) ? 90_000 : 300), using: &random)
                let bytes = ByteBuffer(repeating: UInt8(truncatingIfNeeded: step), count: size)
                sent += Array(bytes.readableBytesView)
                if outbox.append(bytes, limit: .max) == .write {
                    #expect(chunk == nil)
                    chunk = bytes
                }
            } else if let written = chunk {
                taken += Array(written.readableBytesView)
                chunk = outbox.completed()
            }
            #expect(outbox.bytes == sent.count - taken.count)
        }
        while let written = chunk {
            taken += Array(written.readableBytesView)
            chunk = outbox.completed()
        }
        #expect(taken == sent)
        #expect(outbox.isEmpty && outbox.bytes == 0)
    }

    @Test("bytes above the limit are refused and change nothing")
    func overflow() {
        var outbox = Outbox()
        #expect(outbox.append(ByteBuffer(repeating: 1, count: 80), limit: 100) == .write)
        #expect(outbox.append(ByteBuffer(repeating: 1, count: 20), limit: 100) == .queued)
        #expect(outbox.append(ByteBuffer(repeating: 1, count: 1), limit: 100) == .overflow)
        #expect(outbox.bytes == 100)
    }

    @Test("dropping keeps only the chunk that the transport has")
    func drop() {
        var outbox = Outbox()
        _ = outbox.append(ByteBuffer(repeating: 1, count: 80), limit: 1_000)
        _ = outbox.append(ByteBuffer(repeating: 2, count: 80), limit: 1_000)
        outbox.dropWaiting()
        #expect(outbox.bytes == 80)
        #expect(outbox.append(ByteBuffer(repeating: 3, count: 8), limit: 1_000) == .queued)
        #expect(outbox.completed() == ByteBuffer(repeating: 3, count: 8))
        #expect(outbox.completed() == nil)
    }
}
