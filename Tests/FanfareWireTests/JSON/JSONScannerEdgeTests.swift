import FanfareTestKit
import Foundation
import NIOCore
import Testing

@testable import FanfareWire

/// What a scanner that reads eight bytes at a time gets wrong: edges, alignments, ends, and bytes that are no text.
@Suite("JSON scanner edges")
struct JSONScannerEdgeTests {
    private func isValid(_ bytes: [UInt8]) -> Bool { bytes.withUnsafeBytes { JSONScanner.isValid($0) } }

    @Test("a byte that needs a look is found at every place of a word", arguments: 0..<24)
    func placesInWord(place: Int) {
        let plain = [UInt8](repeating: UInt8(ascii: "x"), count: 24)
        for (byte, isAllowed) in [
            (0x1F, false), (0x00, false), (0x0A, false), (0x7F, true), (0x20, true), (0x21, true),
        ]
            as [(UInt8, Bool)]
        {
            var inside = plain
            inside[place] = byte
            #expect(isValid([0x22] + inside + [0x22]) == isAllowed, "0x\(String(byte, radix: 16)) at \(place)")
        }
        var quoted = plain
        quoted[place] = 0x22
        #expect(!isValid([0x22] + quoted + [0x22]), "the string ends at \(place) and something follows")
        var escaped = plain
        escaped.replaceSubrange(place..<place + 1, with: Array(#"\""#.utf8))
        #expect(isValid([0x22] + escaped + [0x22]), "an escaped quote at \(place) is part of the string")
    }

    @Test("bytes around the value are neither read nor needed")
    func neighbours() {
        let text = Array(##"junk"junk{"a":"0123456789abcdef","b":[1,2]}}}"""##.utf8)
        let value = Array(#"{"a":"0123456789abcdef","b":[1,2]}"#.utf8)
        text.withUnsafeBytes { whole in
            let inner = UnsafeRawBufferPointer(rebasing: whole[9..<9 + value.count])
            #expect(JSONScanner.isValid(inner))
            for end in 0..<value.count {
                #expect(!JSONScanner.isValid(UnsafeRawBufferPointer(rebasing: inner[..<end])), "cut at \(end)")
            }
        }
    }

    @Test(
        "every prefix of every kind of value is refused",
        arguments: [
            #""\ud83d\ude00\n""#, #"{"a":{"b":[true,false,null]}}"#, #"[-1.5e+10,"x"]"#, "[[[[[]]]]]",
        ])
    func prefixes(text: String) {
        let bytes = Array(text.utf8)
        #expect(isValid(bytes))
        for end in 0..<bytes.count { #expect(!isValid(Array(bytes[..<end])), "cut at \(end)") }
    }

    @Test("any bytes at all are judged without a trap", arguments: 0..<200)
    func noise(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        let alphabet = Array("{}[]\",:\\u0123456789abcdefntrEe+-. \n\t".utf8) + [0x00, 0x1F, 0x80, 0xC3, 0xFF]
        for _ in 0..<100 {
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                alphabet.randomElement(using: &random) ?? 0
            }
            let members = JSONMembers(ByteBuffer(bytes: bytes))
            if members != nil { #expect(isValid(bytes)) }
            for key in members?.keys ?? [] {
                let value = members?[key]
                _ = (value?.string, value?.unsigned, value?.elements)
                #expect(value.map { isValid(Array($0.bytes.readableBytesView)) } == true)
            }
        }
    }

    @Test(
        "literals are taken whole and in lower case",
        arguments: [
            "True", "NULL", "truefalse", "nulll", "tru e", "[true1]", "[nullnull]", "-true", "Infinity", "-Infinity",
        ])
    func literals(text: String) { #expect(!isValid(Array(text.utf8))) }

    @Test(
        "numbers follow the grammar to the letter",
        arguments: [
            ("0", true), ("-0", true), ("-0.0e-0", true), ("10", true), ("1E400", true), ("0.00", true),
            ("1e+01", true),
            ("00", false), ("-01", false), ("0x1", false), ("1.e1", false), ("1e", false), ("1e+", false),
            ("--1", false),
            ("1.2.3", false), ("1_000", false), ("-", false), ("-a", false), ("0e", false), ("1 .5", false),
            ("٣", false),
        ])
    func numbers(text: String, isNumber: Bool) {
        #expect(isValid(Array(text.utf8)) == isNumber)
        #expect(isValid(Array("[\(text)]".utf8)) == isNumber)
    }

    @Test(
        "only the four whitespace characters of the grammar separate",
        arguments: [
            (" \n\r\t[ \n\r\t1 \n\r\t, 2 ] \t", true), ("\u{B}1", false), ("1\u{C}", false), ("[1,\u{A0}2]", false),
            ("\u{FEFF}{}", false), ("{}\0", false), ("// a\n1", false), ("1/* a */", false),
        ])
    func whitespace(text: String, isJSON: Bool) { #expect(isValid(Array(text.utf8)) == isJSON) }
}
