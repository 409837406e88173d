import FanfareWire
import NIOCore
import Testing

@Suite("WebSocket frames: where they end")
struct FrameBoundaryTests {
    @Test("from any byte the end of its frame is found, with every form of length")
    func boundaries() {
        var frames = ByteBuffer(string: "skipped")
        frames.moveReaderIndex(forwardBy: 7)
        var ends: [Int] = []
        for size in [0, 1, 125, 126, 300, 65_535, 65_536, 70_000, 2] {
            WebSocketFrame.encode(.binary, into: &frames, payload: ByteBuffer(repeating: 7, count: size))
            ends.append(frames.readableBytes)
        }
        var start = 0
        for end in ends {
            for offset in Set([start + 1, start + 2, (start + end) / 2 + 1, end - 1, end]) where offset > start {
                #expect(WebSocketFrame.boundary(in: frames, from: offset) == end)
            }
            start = end
        }
        #expect(WebSocketFrame.boundary(in: frames, from: 0) == 0)
    }

    @Test("what is cut off or no frame of ours ends with its bytes")
    func odd() {
        let cut = WebSocketFrame.encode(.text, payload: ByteBuffer(repeating: 1, count: 500)).getSlice(
            at: 0, length: 50)
        #expect(cut.map { WebSocketFrame.boundary(in: $0, from: 10) } == 50)
        #expect(WebSocketFrame.boundary(in: ByteBuffer(bytes: [0x8F, 1, 2]), from: 1) == 3)
        #expect(WebSocketFrame.boundary(in: ByteBuffer(repeating: 0xFF, count: 12), from: 1) == 12)
    }
}
