import FanfareTestKit
import Foundation
import NIOCore
import Testing

@testable import FanfareWire

/// Strings out of JSON and into JSON, held against Foundation's.
@Suite("JSON text")
struct JSONTextTests {
    private func decoded(_ literal: String) -> String? {
        JSONMembers(ByteBuffer(string: "{\"s\":\(literal)}"))?["s"]?.string
    }

    @Test(
        "escapes stand for what RFC 8259 says",
        arguments: [
            (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"), (#""\u0041\u00e9\u4e2d""#, "Aé中"),
            (#""\uD83D\uDE00\uFFFF""#, "😀\u{FFFF}"), (#""\u0000""#, "\0"), (#""""#, ""), (#""é\u0301""#, "é\u{301}"),
        ])
    func escapes(literal: String, text: String) { #expect(decoded(literal) == text) }

    @Test(
        "a surrogate without its partner is data and not text",
        arguments: [
            #""\ud800""#, #""\udc00""#, #""\ud800x""#, #""\ud800\n""#, #""\ud800\u0041""#, #""\udc00\ud800""#,
            #""\ud83d\ud83d""#,
            #""\ud83d\ude00\ud83d""#,
        ])
    func surrogates(literal: String) {
        #expect(Array(literal.utf8).withUnsafeBytes { JSONScanner.isValid($0) })
        #expect(decoded(literal) == nil)
    }

    @Test(
        "a string that is no UTF-8 has no text",
        arguments: [
            [0xFF], [0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80],
        ] as [[UInt8]])
    func notUTF8(inside: [UInt8]) {
        for escape in ["", "\\n"] {
            let bytes = Array("{\"s\":\"\(escape)".utf8) + inside + Array("\"}".utf8)
            #expect(JSONMembers(ByteBuffer(bytes: bytes))?["s"]?.string == nil)
        }
    }

    @Test("any text is written as Foundation reads it and read as it was written", arguments: 0..<300)
    func roundTrip(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        let scalars: [ClosedRange<UInt32>] = [
            0...0x1F, 0x20...0x7E, 0x22...0x22, 0x5C...0x5C, 0x7F...0x7FF, 0x2028...0x2029, 0x1F600...0x1F640,
        ]
        var text = ""
        for _ in 0..<Int.random(in: 0...60, using: &random) {
            let range = scalars.randomElement(using: &random) ?? 0...0
            text.unicodeScalars.append(Unicode.Scalar(UInt32.random(in: range, using: &random)) ?? " ")
        }
        var ours = ByteBuffer()
        JSONWriter.writeString(text, into: &ours)
        #expect(ours.readableBytesView.allSatisfy { $0 >= 0x20 }, "a raw control character is no JSON")
        let theirs = try JSONSerialization.jsonObject(with: Data(ours.readableBytesView), options: [.fragmentsAllowed])
        #expect((theirs as? String)?.unicodeScalars.elementsEqual(text.unicodeScalars) == true)
        #expect(decoded(String(buffer: ours))?.unicodeScalars.elementsEqual(text.unicodeScalars) == true)
        let escaped = try JSONSerialization.data(withJSONObject: text, options: [.fragmentsAllowed])
        #expect(
            decoded(String(decoding: escaped, as: UTF8.self))?.unicodeScalars.elementsEqual(text.unicodeScalars) == true
        )
    }

    @Test(
        "whole numbers are read to the edge of 32 bits",
        arguments: [
            ("0", 0), ("1", 1), ("4294967295", 4_294_967_295), ("4294967296", nil), ("-0", nil), ("1e0", nil),
            ("1.0", nil),
            ("18446744073709551616", nil), ("true", nil), ("\"1\"", nil), ("[1]", nil), ("null", nil),
        ] as [(String, UInt32?)])
    func unsigned(text: String, number: UInt32?) throws {
        let object = try #require(JSONMembers(ByteBuffer(string: "{\"n\": \(text) }")))
        #expect(object["n"]?.unsigned == number)
    }

    @Test("an object has as many members as the limit and no more")
    func limit() {
        let object = { (count: Int) in "{" + (0..<count).map { "\"k\($0)\":\($0)" }.joined(separator: ",") + "}" }
        #expect(JSONMembers(ByteBuffer(string: object(64)))?.keys.count == 64)
        #expect(JSONMembers(ByteBuffer(string: object(65))) == nil)
        #expect(JSONMembers(ByteBuffer(string: object(3)), limit: 2) == nil)
    }

    @Test("a slice of a larger buffer gives the same values")
    func slices() throws {
        var buffer = ByteBuffer(string: "xxxx{\"a\":{\"b\":\"c\"}}yyyy")
        buffer.moveReaderIndex(forwardBy: 4)
        let slice = buffer.readSlice(length: 15)
        let line = try #require(slice)
        let inner = try #require(JSONMembers(line)?["a"])
        #expect(String(buffer: inner.bytes) == #"{"b":"c"}"#)
        #expect(JSONMembers(inner.bytes)?["b"]?.string == "c")
    }
}
