import FanfareTestKit
import NIOCore
import Testing

@testable import FanfareServer

@Suite("Listener: how much is read at a time")
struct ReceiveSizesTests {
    @Test("grows and shrinks as NIO's own allocator with the same bounds, which takes memory for each socket")
    func same() {
        var random = SeededRandom(seed: 3)
        for _ in 0..<20 {
            var ours: any RecvByteBufferAllocator = ReceiveSizes()
            var reference: any RecvByteBufferAllocator = AdaptiveRecvByteBufferAllocator(
                minimum: Int(ServerBounds.leastReadBytes), initial: Int(ServerBounds.leastReadBytes),
                maximum: Int(ServerBounds.mostReadBytes))
            for step in 0..<500 {
                let size = ours.nextBufferSize() ?? 0
                #expect(size == reference.nextBufferSize())
                #expect(
                    ours.buffer(allocator: .init()).writableBytes == reference.buffer(allocator: .init()).writableBytes)
                // Mostly full or nearly empty, in runs.
                let count =
                    switch (step / 20 + Int.random(in: 0..<3, using: &random)) % 3 {
                    case 0: size
                    case 1: Int.random(in: 1...max(1, size / 2), using: &random)
                    default: Int.random(in: 1...size, using: &random)
                    }
                #expect(ours.record(actualReadBytes: count) == reference.record(actualReadBytes: count))
            }
        }
    }

    @Test("stands in a channel without memory of its own")
    func inPlace() { #expect(MemoryLayout<ReceiveSizes>.size <= 3 * MemoryLayout<Int>.size) }
}
