import NIOCore
import Testing

@testable import FanfareBench

@Suite("Frame walker")
struct FrameWalkerTests {
    private struct Seen: Equatable {
        var kind: FrameWalker.Kind
        var payload: [UInt8]
    }

    private func frame(_ first: UInt8, _ payload: [UInt8]) -> [UInt8] {
        switch payload.count {
        case ..<126: [first, UInt8(payload.count)] + payload
        case ..<65_536: [first, 126, UInt8(payload.count >> 8), UInt8(payload.count & 255)] + payload
        default: [first, 127] + (0..<8).reversed().map { UInt8(payload.count >> (8 * $0) & 255) } + payload
        }
    }

    private func walk(_ reads: [[UInt8]], limit: Int = 100_000) throws -> [Seen] {
        var walker = FrameWalker(maxFrameBytes: limit)
        var seen: [Seen] = []
        for read in reads {
            try walker.walk(ByteBuffer(bytes: read)) { seen.append(Seen(kind: $0, payload: Array($1))) }
        }
        return seen
    }

    private var sample: (bytes: [UInt8], frames: [Seen]) {
        let frames = [
            Seen(kind: .text, payload: Array("hello".utf8)),
            Seen(kind: .ping, payload: [1, 2, 3]),
            Seen(kind: .binary, payload: []),
            Seen(kind: .text, payload: [UInt8](repeating: 7, count: 300)),
            Seen(kind: .pong, payload: []),
            Seen(kind: .close, payload: [3, 232]),
        ]
        return (frames.flatMap { frame(0x80 | $0.kind.rawValue, $0.payload) }, frames)
    }

    @Test("several frames in one read, control frames between")
    func oneRead() throws {
        #expect(try walk([sample.bytes]) == sample.frames)
    }

    @Test("frames cut anywhere")
    func cutAnywhere() throws {
        let (bytes, frames) = sample
        for cut in 0...bytes.count { #expect(try walk([Array(bytes[..<cut]), Array(bytes[cut...])]) == frames) }
        #expect(try walk(bytes.map { [$0] }) == frames)
        for step in [2, 3, 7, 64] {
            let reads = stride(from: 0, to: bytes.count, by: step).map {
                Array(bytes[$0..<min($0 + step, bytes.count)])
            }
            #expect(try walk(reads) == frames)
        }
    }

    @Test("all three forms of a length")
    func lengths() throws {
        for count in [0, 125, 126, 65_535, 65_536, 90_000] {
            let payload = [UInt8](repeating: 1, count: count)
            #expect(try walk([frame(0x82, payload)]) == [Seen(kind: .binary, payload: payload)])
        }
    }

    @Test("a length above the limit ends it before the payload comes")
    func tooLong() throws {
        #expect(throws: FrameWalker.Mistake.tooLong(101, limit: 100)) { try walk([[0x82, 101]], limit: 100) }
        #expect(throws: FrameWalker.Mistake.tooLong(UInt64.max, limit: 100)) {
            try walk([[0x82, 127] + [UInt8](repeating: 255, count: 8)], limit: 100)
        }
    }

    @Test("what no server may send, or Fanfare never sends")
    func mistakes() throws {
        #expect(throws: FrameWalker.Mistake.masked) { try walk([[0x81, 0x80]]) }
        #expect(throws: FrameWalker.Mistake.reservedBits) { try walk([[0xC1, 0]]) }
        #expect(throws: FrameWalker.Mistake.opcode(3)) { try walk([[0x83, 0]]) }
        #expect(throws: FrameWalker.Mistake.fragmented) { try walk([[0x01, 0]]) }
        #expect(throws: FrameWalker.Mistake.fragmented) { try walk([[0x80, 0]]) }
    }

    @Test("frames before a mistake are still seen")
    func before() throws {
        var walker = FrameWalker(maxFrameBytes: 10)
        var count = 0
        #expect(throws: FrameWalker.Mistake.masked) {
            try walker.walk(ByteBuffer(bytes: [0x81, 0, 0x81, 0, 0x81, 0x80])) { _, _ in count += 1 }
        }
        #expect(count == 2)
    }

    @Test("random bytes give frames or a mistake, whatever the reads")
    func random() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            let bytes = (0..<200).map { _ in UInt8.random(in: 0...255, using: &generator) }
            let whole = Result { try walk([bytes], limit: 50) }
            let cut = Result { try walk([Array(bytes[..<77]), Array(bytes[77...])], limit: 50) }
            #expect((try? whole.get()) == (try? cut.get()))
        }
    }
}
