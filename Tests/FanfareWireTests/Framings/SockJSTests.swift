import FanfareTestKit
import NIOCore
import Testing

@testable import FanfareWire

@Suite("SockJS")
struct SockJSTests {
    private func string(_ text: String) -> String {
        var buffer = ByteBuffer()
        var text = text
        text.withUTF8 { SockJSText.writeString(UnsafeRawBufferPointer($0), into: &buffer) }
        return String(buffer: buffer)
    }

    private func sealed(_ texts: [String]) -> ByteBuffer {
        texts.reduce(into: ByteBuffer()) { bytes, text in
            bytes.writeImmutableBuffer(SockJSMessageFraming().seal(Body(Payload(text: text))))
        }
    }

    private func messages(_ body: String) -> [String]? {
        var buffer = ByteBuffer(string: body)
        guard SockJSMessages.check(buffer) == .messages else { return nil }
        var found: [String] = []
        while let message = SockJSMessages.next(in: &buffer) { found.append(String(buffer: message)) }
        return found
    }

    @Test("characters that browsers lose on the way are escaped, in lower case, and no others")
    func escapes() throws {
        #expect(ExactText(string("  \0\n\r \"\\\u{8}\u{C}\t\u{1F}")) == #""  \u0000\n\r \"\\\b\f\t\u001f""#)
        let escaped: [ClosedRange<UInt32>] = [
            0x200C...0x200F, 0x2028...0x202F, 0x2060...0x206F, 0xFFF0...0xFFFF,
        ]
        let wrong = (UInt32(0x80)...0xFFFF).filter { value in
            guard let scalar = Unicode.Scalar(value) else { return false }
            let isEscaped = escaped.contains { $0.contains(value) }
            let expected = isEscaped ? "\"\\u\(String(value, radix: 16))\"" : "\"\(scalar)\""
            return ExactText(string(String(scalar))) != ExactText(expected)
        }
        #expect(wrong.isEmpty)
        #expect(ExactText(string("\u{1F600}</script>")) == ExactText("\"\u{1F600}</script>\""))
    }

    @Test("what waits becomes one frame, whatever it says", arguments: 0..<20)
    func frames(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        let texts = (0..<Int.random(in: 0..<20, using: &random)).map { _ in OddText.make(&random) }
        let frame = SockJSFrame.messages(sealed(texts))
        #expect(frame.readableBytesView.first == UInt8(ascii: "a"))
        let list = String(buffer: frame).dropFirst()
        let read = try #require(messages(String(list)))
        #expect(read.map { ExactText($0) } == texts.map { ExactText($0) })
        let isJSON = ByteBuffer(string: String(list)).withUnsafeReadableBytes { JSONScanner.isValid($0) }
        #expect(isJSON && !frame.readableBytesView.contains { $0 < 0x20 })
    }

    @Test("frames of opening, heartbeats, messages and ends")
    func knownFrames() {
        #expect(String(buffer: SockJSFrame.open) == "o" && String(buffer: SockJSFrame.heartbeat) == "h")
        #expect(String(buffer: SockJSFrame.messages(sealed([]))) == "a[]")
        #expect(String(buffer: SockJSFrame.messages(sealed(["x"]))) == #"a["x"]"#)
        #expect(String(buffer: SockJSFrame.messages(sealed(["a\nb", "c"]))) == #"a["a\nb","c"]"#)
        #expect(String(buffer: SockJSFrame.close(code: 3000, reason: "Go \"away\"!")) == #"c[3000,"Go \"away\"!"]"#)
    }

    @Test("binary is Base64; over WebSocket each message is a frame of its own")
    func framings() throws {
        let binary = Payload(kind: .binary, bytes: ByteBuffer(bytes: [0xFF, 0]))
        #expect(String(buffer: SockJSMessageFraming().seal(Body(binary))) == "\"/wA=\"\n")
        let written = Body(.text, sizeHint: 2) { $0.writeString("é\n") }
        var frame = SockJSWebSocketFraming().seal(written)
        #expect(WebSocketFrame.plainHeader(frame.withUnsafeReadableBytes { $0 })?.opcode == .text)
        frame.moveReaderIndex(forwardBy: 2)
        #expect(String(buffer: frame) == #"a["é\n"]"#)
    }

    @Test(
        "an array of strings is messages, and nothing else is",
        arguments: [
            ("[]", []), (#"["a"]"#, ["a"]), (#" [ "a" , "b\n" ] "#, ["a", "b\n"]),
            (#"["","[\"x\"]"]"#, ["", "[\"x\"]"]),
            (#"["\ud83d\ude00\u0000"]"#, ["\u{1F600}\0"]), ("[\"\u{2028}\"]", ["\u{2028}"]),
            (#"["x"#, nil), (#"["a",]"#, nil), (#"["a"]x"#, nil), ("[1]", nil), (#"["a",{}]"#, nil), ("[null]", nil),
            (#"{"a":"b"}"#, nil), (#""a""#, nil), (#"["\ud800"]"#, nil), ("[[\"a\"]]", nil), ("x", nil),
        ] as [(String, [String]?)])
    func bodies(body: String, expected: [String]?) { #expect(messages(body) == expected) }

    @Test("nothing, one string alone, and bytes that are no text")
    func otherBodies() {
        #expect(SockJSMessages.check(ByteBuffer()) == .empty)
        #expect(SockJSMessages.check(ByteBuffer(bytes: [0x5B, 0x22, 0xFF, 0x22, 0x5D])) == .broken)
        var one = ByteBuffer(string: #""m""#)
        #expect(SockJSMessages.check(one, allowsString: true) == .messages)
        let (first, second) = (SockJSMessages.next(in: &one), SockJSMessages.next(in: &one))
        #expect(first.map { String(buffer: $0) } == "m" && second == nil)
        for broken in [#""m"x"#, "1", "{}", #""m"#] {
            #expect(SockJSMessages.check(ByteBuffer(string: broken), allowsString: true) == .broken)
        }
        var deep = ByteBuffer(string: String(repeating: "[", count: 100_000))
        let message = SockJSMessages.next(in: &deep)
        #expect(SockJSMessages.check(ByteBuffer(string: String(repeating: "[", count: 100_000))) == .broken)
        #expect(message == nil)
    }

    @Test(
        "paths",
        arguments: [
            ("", .greeting), ("/", .greeting), ("/info", .info), ("/websocket", .rawWebSocket),
            ("/iframe.html", .iframe), ("/iframe-a.html", .iframe), ("/iframe-0.1.2abc-dirty.2144.html", .iframe),
            ("/000/abc/xhr", .session("abc", .xhr)), ("/a/b/xhr_send/", .session("b", .xhrSend)),
            ("/abcdefgh_i-j%20/abcdefg_i-j%20/jsonp", .session("abcdefg_i-j%20", .jsonp)),
            ("/a/b/websocket", .session("b", .webSocket)),
            ("a", nil), ("//", nil), ("///", nil), ("/a", nil), ("/a/a", nil), ("/a/a/", nil), ("/a/b/c", nil),
            ("//b/xhr", nil), ("/a//xhr", nil), ("/a./a/xhr", nil), ("/a/a./xhr", nil), ("/a/b/xhr//", nil),
            ("/iframe.htm", nil), ("/IFRAME.HTML", nil), ("/iframe-A.html", nil), ("/iframe-/.html", nil),
            ("/INFO", nil), ("/a/b/XHR", nil),
        ] as [(String, SockJSPath?)])
    func paths(rest: String, path: SockJSPath?) { #expect(SockJSPath(rest) == path) }

    @Test("an id has its bound")
    func longIDs() {
        let longest = String(repeating: "x", count: SockJSPath.idBytes)
        #expect(SockJSPath("/a/\(longest)/xhr") != nil && SockJSPath("/a/\(longest)x/xhr") == nil)
    }

    @Test("a frame on each transport")
    func receiving() {
        let frame = ByteBuffer(string: #"a["x\"</script>"]"#)
        let wrapped = { (form: SockJSReceiving) in String(buffer: form.wrap(frame)) }
        #expect(wrapped(.xhr) == "a[\"x\\\"</script>\"]\n" && wrapped(.xhrStreaming) == wrapped(.xhr))
        #expect(wrapped(.eventSource) == "data: a[\"x\\\"</script>\"]\r\n\r\n")
        let script = #""a[\"x\\\"\u003c/script>\"]""#
        #expect(wrapped(.jsonp(callback: "cb")) == "/**/cb(\(script));\r\n")
        #expect(wrapped(.htmlFile(callback: "cb")) == "<script>\np(\(script));\n</script>\r\n")
        #expect(SockJSReceiving.xhrStreaming.prelude.readableBytes == 2_049)
        #expect(SockJSReceiving.htmlFile(callback: "a.b").prelude.readableBytes > 1_024)
        #expect(String(buffer: SockJSReceiving.htmlFile(callback: "a.b").prelude).contains("parent.a.b;"))
    }

    @Test("names of callbacks can say nothing else")
    func callbacks() {
        for name in ["callback", "a.b_c-9", "_jp.abc123"] { #expect(SockJSReceiving.isCallback(name, isShort: true)) }
        for name in ["", " ", "*", "abc(", "a;b", "a\u{2028}", "é", "a\0", "<", "\u{212A}"] {
            #expect(!SockJSReceiving.isCallback(name, isShort: false), "\(name)")
        }
        let long = String(repeating: "a", count: 33)
        #expect(!SockJSReceiving.isCallback(long, isShort: true) && SockJSReceiving.isCallback(long, isShort: false))
    }
}
