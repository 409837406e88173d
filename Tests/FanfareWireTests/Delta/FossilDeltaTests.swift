import FanfareTestKit
import NIOCore
import Testing

@testable import FanfareWire

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

@Suite("Fossil deltas")
struct FossilDeltaTests {
    private func make(_ base: [UInt8], _ target: [UInt8], text: Bool = false) -> [UInt8]? {
        FossilDelta.create(base: ByteBuffer(bytes: base), target: ByteBuffer(bytes: target), keepsCharacters: text)
            .map { Array($0.readableBytesView) }
    }

    private func check(_ base: [UInt8], _ target: [UInt8]) throws {
        guard let delta = make(base, target) else { return }
        #expect(delta.count < target.count)
        #expect(try FossilPatch.apply(delta, to: base) == target)
    }

    @Test("a changed number in a document is a copy, what is new, and a copy")
    func document() throws {
        let base = #"{"symbol":"FANF","bid":101.25,"ask":101.30,"venue":"XETRA","currency":"EUR","open":true}"#
        let target = base.replacing("101.25", with: "101.26")
        let delta = try #require(make(Array(base.utf8), Array(target.utf8)))
        // Size, 28 bytes from the beginning, one of its own, the rest from behind, checksum.
        #expect(String(decoding: delta, as: UTF8.self).hasPrefix("1O\nS@0,1:6w@T,"))
        #expect(delta.count < 24)
        #expect(try FossilPatch.apply(delta, to: Array(base.utf8)) == Array(target.utf8))
    }

    @Test("what was moved, repeated, put in or taken out is found again")
    func edits() throws {
        let words = (0..<200).map { "word\($0 * 7919 % 1_000)" }
        let base = Array(words.joined(separator: " ").utf8)
        let (first, second) = (Array(base.prefix(base.count / 2)), Array(base.dropFirst(base.count / 2)))
        let between = first + Array("something else".utf8) + second
        for target in [second + first, base + base, first, second, between, base] {
            let delta = try #require(make(base, target))
            #expect(delta.count < 64)
            #expect(try FossilPatch.apply(delta, to: base) == target)
        }
    }

    @Test("there is none where it would not be smaller, of nothing, or beyond the bound")
    func none() {
        #expect(make(Array("abc".utf8), Array("abd".utf8)) == nil)
        #expect(make([], Array("something of some length".utf8)) == nil)
        #expect(make(Array("something".utf8), []) == nil)
        let big = [UInt8](repeating: 1, count: FossilDelta.maximumBytes + 1)
        #expect(make(big, big) == nil && make(Array(big.dropLast()), big) == nil && make(big, [1, 2, 3]) == nil)
        #expect(make(Array(big.dropLast()), Array(big.dropLast())) != nil)
    }

    @Test("random edits of random texts come back as they were", arguments: 0..<4)
    func random(part: Int) throws {
        var random = SeededRandom(seed: UInt64(part))
        for _ in 0..<1_500 {
            let alphabet = UInt8.random(in: 1...255, using: &random)
            let base = (0..<Int.random(in: 0...600, using: &random)).map { _ in
                UInt8.random(in: 0...alphabet, using: &random)
            }
            var target = base
            for _ in 0..<Int.random(in: 0...6, using: &random) {
                let place = Int.random(in: 0...target.count, using: &random)
                let end = min(target.count, place + Int.random(in: 0...40, using: &random))
                let new = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                    UInt8.random(in: 0...alphabet, using: &random)
                }
                target.replaceSubrange(place..<end, with: new)
            }
            try check(base, target)
        }
    }

    @Test("in a delta of text every insert is whole characters")
    func characters() throws {
        var random = SeededRandom(seed: 7)
        let letters: [Character] = ["a", "é", "€", "😀", "\"", "ü", "漢", "\u{0301}"]
        for _ in 0..<2_000 {
            let base = String(
                (0..<Int.random(in: 20...120, using: &random)).compactMap { _ in letters.randomElement(using: &random) }
            )
            var target = Array(base.unicodeScalars)
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                target.insert("é", at: Int.random(in: 0...target.count, using: &random))
                target.remove(at: Int.random(in: 0..<target.count, using: &random))
            }
            let text = String(String.UnicodeScalarView(target))
            guard let delta = make(Array(base.utf8), Array(text.utf8), text: true) else { continue }
            #expect(String(validating: delta, as: UTF8.self) != nil)
            #expect(try FossilPatch.apply(delta, to: Array(base.utf8)) == Array(text.utf8))
        }
    }

    @Test(
        "bytes that repeat themselves cost little more than others",
        arguments: [[UInt8(0)], [1, 2], Array("aaaaaaab".utf8), [0x80], Array(0..<251)])
    func hostile(pattern: [UInt8]) throws {
        let count = 65_536
        var random = SeededRandom(seed: 1)
        /// Processor time of this thread, the least of three: what else the machine does is not in it.
        func time(_ base: [UInt8]) -> Duration {
            var target = base
            for place in stride(from: 0, to: count, by: 9) { target[place] ^= 0x55 }
            let times = (0..<3).map { _ in
                let start = Self.processorTime()
                for text in [false, true] { _ = make(base, target, text: text) }
                return Self.processorTime() - start
            }
            return times.min() ?? .zero
        }
        let plain = time((0..<count).map { _ in UInt8.random(in: 0...255, using: &random) })
        let base = (0..<count).map { pattern[$0 % pattern.count] }
        // One that is quadratic would be a thousand times slower.
        #expect(time(base) < plain * 50)
        try check(base, Array(base.reversed()))
    }

    private static func processorTime() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
