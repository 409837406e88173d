import FanfareTestKit
import Foundation
import NIOCore
import Testing

@testable import FanfareWire

@Suite("JSON scanner")
struct JSONScannerTests {
    private func isValid(_ text: String) -> Bool {
        Array(text.utf8).withUnsafeBytes { JSONScanner.isValid($0) }
    }

    @Test(
        "valid JSON is taken",
        arguments: [
            "{}", "[]", "null", "true", "false", "0", "-0", "1.5e+10", "1E-2", "\"\"", "\"\\u00e9\\n\\\\\"",
            " [ 1 , 2 ] ",
            "{\"a\":{\"b\":[null,{\"c\":\"d\"}]}}", "\"\\ud800\"", "\"größe 😀 and some more text\"", "[[[[]]]]",
            "-12.0",
        ])
    func valid(text: String) { #expect(isValid(text)) }

    @Test(
        "anything else is not",
        arguments: [
            "", " ", "{", "}", "[1,]", "{\"a\":}", "{\"a\" 1}", "{a:1}", "{\"a\":1,}", "01", "1.", ".5", "-", "+1",
            "1e", "tru",
            "nul", "\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"a\nb\"", "\"\t\"", "[] []", "1 2", "{}x", "[1 2]",
            "NaN",
            "'a'", "[\"long enough to skip eight at a time\n\"]",
        ])
    func invalid(text: String) { #expect(!isValid(text)) }

    @Test(
        "nesting is followed however deep, and every end has to fit its beginning",
        arguments: [1, 2, 63, 64, 65, 127, 128, 129, 1_000, 100_000])
    func depth(levels: Int) {
        // Arrays and objects in turn, so that each end is of another kind than its neighbours.
        let open = (0..<levels).map { $0 % 3 == 0 ? "[" : #"{"k":"# }.joined()
        let close = (0..<levels).reversed().map { $0 % 3 == 0 ? "]" : "}" }.joined()
        #expect(isValid(open + "1" + close))
        #expect(isValid(String(repeating: "[", count: levels) + String(repeating: "]", count: levels)))
        #expect(!isValid(open + "1" + close.dropLast()))
        #expect(!isValid(open + "1" + close + close.suffix(1)))
        var ends = Array(close.utf8)
        let place = levels / 2
        ends[place] = ends[place] == UInt8(ascii: "]") ? UInt8(ascii: "}") : UInt8(ascii: "]")
        #expect(!isValid(open + "1" + String(decoding: ends, as: UTF8.self)))
    }

    @Test("mutated JSON is judged as Foundation judges it and never traps", arguments: 0..<3_000)
    func mutations(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        var bytes = Array(#"{"key":[1,-2.5e3,true,null,"té\u00e9\n"],"other":{"x":"plain text here"}}"#.utf8)
        for _ in 0...Int.random(in: 0...2, using: &random) {
            let index = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: bytes.remove(at: index)
            case 1: bytes.insert(UInt8.random(in: 0x20...0x7E, using: &random), at: index)
            default: bytes[index] = UInt8.random(in: 0x20...0x7E, using: &random)
            }
        }
        guard String(validating: bytes, as: UTF8.self) != nil else { return }
        let expected = (try? JSONSerialization.jsonObject(with: Data(bytes), options: [.fragmentsAllowed])) != nil
        let ours = bytes.withUnsafeBytes { JSONScanner.isValid($0) }
        // Foundation also refuses what is JSON and can't be a number or a string of its own.
        if ours != expected, !(ours && String(decoding: bytes, as: UTF8.self).contains("\\u")) {
            // Numbers beyond a Double are JSON (RFC 8259 §6), and Foundation refuses them.
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(ours && text.contains(/\d[eE]\+?\d{3,}/), "\(text)")
        }
    }

    @Test("an object's values keep their very bytes")
    func members() throws {
        let text = #" { "a" : {"x": [1,  2]} , "b\u0063" : "té\"\ud83d\ude00" , "n" : 42, "a" : 7 } "#
        let object = try #require(JSONMembers(ByteBuffer(string: text)))
        #expect(object.keys == ["a", "bc", "n", "a"])
        #expect(object["a"].map { String(buffer: $0.bytes) } == "7")
        #expect(object["bc"]?.string == "té\"😀")
        #expect(object["n"]?.unsigned == 42)
        #expect(object["missing"] == nil)
        let list = try #require(JSONMembers(ByteBuffer(string: #"{"l":["a", {"b":[1]},3]}"#)))
        #expect(list["l"]?.elements?.map { String(buffer: $0.bytes) } == [#""a""#, #"{"b":[1]}"#, "3"])
    }

    @Test("numbers that are no ids are told", arguments: ["-1", "1.0", "1e3", "4294967296", "99999999999999", "\"1\""])
    func notUnsigned(text: String) throws {
        let object = try #require(JSONMembers(ByteBuffer(string: "{\"n\":\(text)}")))
        #expect(object["n"]?.unsigned == nil)
    }

    @Test(
        "written strings read back as they were",
        arguments: ["", "plain", "quote \" back \\ slash /", "\u{0}\u{1F}\n\r\t", "é😀\u{2028}"])
    func writer(text: String) throws {
        var buffer = ByteBuffer()
        JSONWriter.writeString(text, into: &buffer)
        let back = try JSONSerialization.jsonObject(with: Data(buffer.readableBytesView), options: [.fragmentsAllowed])
        #expect(back as? String == text)
        #expect(!buffer.readableBytesView.contains(0x0A))
    }
}
