import FanfareWire
import NIOCore
import Testing

@testable import FanfareServer

@Suite("Engine.IO: what waits for a poll")
struct EngineIOFramesTests {
    private func frame(_ text: String) -> ByteBuffer { EngineIOFraming().seal(Body(Payload(text: text))) }

    @Test("whole frames are taken however they were cut, and what is left of one waits for its end", arguments: 1...9)
    func cut(size: Int) {
        var all = ByteBuffer()
        for text in ["a", "", String(repeating: "b", count: 200), "c"] { all.writeImmutableBuffer(frame(text)) }
        var (frames, taken, rest) = (EngineIOFrames(), ByteBuffer(), all)
        while let piece = rest.readSlice(length: min(size, rest.readableBytes)), piece.readableBytes > 0 {
            frames.append(piece)
            if let whole = frames.takeWhole() {
                #expect(EngineIOPayload.whole(whole) == whole.readableBytes)
                taken.writeImmutableBuffer(whole)
            }
        }
        let left = frames.takeWhole()
        #expect(taken == all && frames.pieces.isEmpty && left == nil)
    }

    @Test("what is too much for an answer stays before what waits, and a frame is never cut for it")
    func rest() {
        var (frames, whole) = (EngineIOFrames(), ByteBuffer())
        for text in ["one", "two", "three"] { whole.writeImmutableBuffer(frame(text)) }
        frames.append(frame("four"))
        let all = frames.keepRest(of: whole, maxBytes: whole.readableBytes)
        #expect(all == whole && frames.pieces.count == 1)
        let first = frames.keepRest(of: whole, maxBytes: frame("one").readableBytes + 1)
        let rest = frames.takeWhole() ?? ByteBuffer()
        #expect(first == frame("one") && String(buffer: EngineIOPayload.body(rest)) == "4two\u{1E}4three\u{1E}4four")
        let none = frames.keepRest(of: whole, maxBytes: frame("one").readableBytes - 1)
        #expect(none == nil)
    }

    @Test("an answer has no more packets than its client takes")
    func packets() {
        var whole = ByteBuffer()
        for text in ["one", "two", "three"] { whole.writeImmutableBuffer(frame(text)) }
        for most in 1...4 {
            var (frames, rest, counts) = (EngineIOFrames(), whole, [Int]())
            while let first = frames.keepRest(of: rest, maxBytes: .max, maxPackets: most) {
                counts.append(String(buffer: EngineIOPayload.body(first)).split(separator: "\u{1E}").count)
                guard let next = frames.takeWhole() else { break }
                rest = next
            }
            #expect(counts == [[1, 1, 1], [2, 1], [3], [3]][most - 1])
        }
    }

    @Test("pieces that nobody took are those that came, without a copy")
    func pieces() {
        let (one, other) = (frame("one"), frame("other"))
        var frames = EngineIOFrames()
        frames.append(one)
        frames.append(other)
        #expect(frames.pieces == [one, other])
        let whole = frames.takeWhole() ?? ByteBuffer()
        #expect(String(buffer: EngineIOPayload.body(whole)) == "4one\u{1E}4other")
    }
}
