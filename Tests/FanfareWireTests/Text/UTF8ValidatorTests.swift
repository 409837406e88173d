import FanfareTestKit
import Testing

@testable import FanfareWire

@Suite("UTF-8 validation")
struct UTF8ValidatorTests {
    @Test("the UTF-8 check agrees with Swift's, wherever the text is cut", arguments: 0..<2_000)
    func utf8(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        let alphabet: [[UInt8]] = [
            [0x41], Array("abcdefghij".utf8), [0xC3, 0xA9], [0xE2, 0x82, 0xAC], [0xF0, 0x9F, 0x98, 0x80],
            [0xED, 0xA0, 0x80],
            [0xC0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE0, 0x80, 0x80], [0x80], [0xFF], [0xF4, 0x8F, 0xBF, 0xBF],
        ]
        let isClean = seed.isMultiple(of: 2)
        let choice = isClean ? Array(alphabet.prefix(5)) + [alphabet[11]] : alphabet
        let bytes = (0..<12).flatMap { _ in choice.randomElement(using: &random) ?? [] }
        let expected = String(validating: bytes, as: UTF8.self) != nil
        #expect(bytes.withUnsafeBytes { UTF8Validator.isValid($0) } == expected)
        let cut = Int.random(in: 0...bytes.count, using: &random)
        var validator = UTF8Validator()
        let first = bytes[..<cut].withUnsafeBytes { validator.feed($0) }
        let second = first && bytes[cut...].withUnsafeBytes { validator.feed($0) }
        #expect((second && validator.isComplete) == expected)
    }
}
