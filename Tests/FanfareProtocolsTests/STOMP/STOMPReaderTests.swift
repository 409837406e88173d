import FanfareWire
import NIOCore
import Testing

@testable import FanfareProtocols

/// Section names are those of the STOMP 1.2 specification.
@Suite("STOMP frames")
struct STOMPReaderTests {
    /// All frames of these bytes, as a client of `version` sends them in pieces of `size`; then why no more can be read.
    static func read(
        _ text: String, _ version: STOMPVersion? = .v12, size: Int = .max, limit: Int = 1_000
    ) -> (frames: [STOMPFrame], error: STOMPError?) {
        var reader = STOMPReader(maxBodyBytes: limit)
        reader.version = version
        var (rest, frames) = (ByteBuffer(string: text), [STOMPFrame]())
        do throws(STOMPError) {
            while let piece = rest.readSlice(length: min(size, rest.readableBytes)), piece.readableBytes > 0 {
                reader.feed(piece)
                while let frame = try reader.next() { frames.append(frame) }
            }
        } catch {
            return (frames, error)
        }
        return (frames, nil)
    }

    private static func frame(
        _ command: STOMPCommand, _ headers: [(ExactText, ExactText)], _ body: String = ""
    ) -> STOMPFrame {
        STOMPFrame(command, headers: headers.map { .init($0, $1) }, body: ByteBuffer(string: body))
    }

    @Test("the frame of the specification's first example is read, with LF and with CRLF (STOMP Frames)")
    func example() {
        let text = "SEND\ndestination:/queue/a\ncontent-type:text/plain\n\nhello queue a\n\0"
        let expected = Self.frame(
            .send, [("destination", "/queue/a"), ("content-type", "text/plain")], "hello queue a\n")
        #expect(Self.read(text).frames == [expected])
        let carriage = "SEND\r\ndestination:/queue/a\r\ncontent-type:text/plain\r\n\r\nhello queue a\n\0"
        #expect(Self.read(carriage).frames == [expected])
        // Before CONNECT nobody knows the version; in 1.1 the carriage return is a part of the line.
        #expect(Self.read("CONNECT\r\nhost:a\r\n\r\n\0", nil).frames == [Self.frame(.connect, [("host", "a")])])
        #expect(Self.read("CONNECT\r\nhost:a\r\n\r\n\0", .v11).error != nil)
    }

    @Test("any number of line ends may stand before, between and after frames: heart-beats, too (Heart-beating)")
    func lineEnds() {
        let text = "\n\n\r\nBEGIN\ntransaction:1\n\n\0\n\r\n\nCOMMIT\ntransaction:1\n\n\0\n\n"
        for size in 1...7 {
            let (frames, error) = Self.read(text, size: size)
            #expect(frames.map(\.command) == [.begin, .commit] && error == nil, "in pieces of \(size)")
        }
        #expect(Self.read("\n\rx").error == STOMPError("a carriage return between frames"))
    }

    @Test("with content-length a body holds any bytes; without one it ends at the first NUL (Body)")
    func bodies() {
        let text = "SEND\ndestination:a\ncontent-length:5\n\na\0b\0c\0SEND\ndestination:a\n\nab\0"
        let bodies = Self.read(text).frames.map { String(buffer: $0.body) }
        #expect(bodies == ["a\0b\0c", "ab"])
        #expect(
            Self.read("SEND\ncontent-length:1\n\nab\0").error
                == STOMPError("no NUL after the 1 bytes of content-length"))
        for bad in ["", "-1", "1x", " 1", "+1", "0x1"] {
            #expect(Self.read("SEND\ncontent-length:\(bad)\n\nab\0").error != nil, "content-length '\(bad)'")
        }
    }

    @Test(
        "only SEND has a body (Frames and Headers: Body)",
        arguments: STOMPCommand.allCases.filter { $0 != .send })
    func noBody(_ command: STOMPCommand) {
        let name = command.rawValue
        #expect(Self.read("\(name)\n\n\0").frames.map(\.command) == [command])
        #expect(Self.read("\(name)\n\nx\0").error == STOMPError("\(name) must have no body"))
        // Also before its end has come.
        #expect(Self.read("\(name)\n\nx").error != nil)
        #expect(Self.read("\(name)\ncontent-length:1\n\n").error != nil)
    }

    @Test("escapes are those of the version, and none in CONNECT (Value Encoding)")
    func escapes() {
        let text = "SEND\na\\cb:\\n\\\\\\c\n\n\0"
        let expected = Self.frame(.send, [("a:b", "\n\\:")])
        #expect(Self.read(text, .v12).frames == [expected] && Self.read(text, .v11).frames == [expected])
        #expect(Self.read(text, .v10).frames == [Self.frame(.send, [("a\\cb", "\\n\\\\\\c")])])
        #expect(Self.read("SEND\na:\\r\n\n\0", .v12).frames == [Self.frame(.send, [("a", "\r")])])
        for (version, bad) in [(STOMPVersion.v11, "\\r"), (.v12, "\\t"), (.v12, "a\\"), (.v11, "\\N")] {
            #expect(Self.read("SEND\na:\(bad)\n\n\0", version).error != nil, "\(bad) in \(version)")
        }
        for command in [STOMPCommand.connect, .stomp] {
            let frames = Self.read("\(command.rawValue)\npasscode:a\\tb:c\n\n\0", .v12).frames
            #expect(frames.first?["passcode"] == "a\\tb:c")
        }
    }

    @Test("of a header that is repeated the first counts, and values keep their spaces (Repeated Header Entries)")
    func repeated() {
        let frame = Self.read("SEND\nfoo:World\nfoo:Hello\n sp : a \n\n\0").frames.first
        #expect(frame?["foo"] == "World" && frame?[" sp "] == " a " && frame?.headers.count == 3)
        // 1.0's own examples have a space behind the colon.
        let old = Self.read("SEND\nfoo: World\n\n\0CONNECT\nlogin:  me\n\n\0", .v10).frames
        #expect(old.first?["foo"] == "World" && old.last?["login"] == "me")
        // A header without anything is one, too.
        #expect(Self.read("SEND\na:\n\n\0").frames.first?["a"] == "")
    }

    @Test(
        "what is no frame is refused with words, and nothing after it is read",
        arguments: [
            ("HELLO\n\n\0", "unknown command 'HELLO'"), ("\0\n", "unknown command ''"),
            ("send\n\n\0", "unknown command 'send'"), ("MESSAGE\n\n\0", "unknown command 'MESSAGE'"),
            ("SEND\nabc\n\n\0", "a header without a colon: 'abc'"), ("SEND\n:a\n\n\0", "a header without a name"),
            ("SEND\na:b\0\n\n", "a frame ends within its headers"),
            ("SEND\na:b\rc\n\n\0", "a carriage return within a header"),
        ])
    func malformed(_ text: String, _ message: String) {
        let (frames, error) = Self.read(text + "BEGIN\n\n\0")
        #expect(frames.isEmpty && error?.message == message)
    }

    @Test("headers are UTF-8")
    func utf8() throws {
        var reader = STOMPReader(maxBodyBytes: 10)
        reader.version = .v12
        reader.feed(ByteBuffer(bytes: Array("SEND\na:".utf8) + [0xFF] + Array("\n\n\0".utf8)))
        #expect(throws: STOMPError("a header is not UTF-8")) { try reader.next() }
        #expect(throws: STOMPError("a header is not UTF-8")) { try reader.next() }
        #expect(reader.waitingBytes == 0 && !reader.isWithinFrame)
    }

    @Test("headers, their bytes and bodies are bounded, before they are kept")
    func bounds() {
        let many = (0..<STOMPBounds.headers).map { "h\($0):v\n" }.joined()
        #expect(Self.read("SEND\n\(many)\n\0").frames.count == 1)
        #expect(Self.read("SEND\n\(many)one:more\n").error?.disconnect == .policyViolation)
        let long = String(repeating: "a", count: STOMPBounds.headBytes)
        // Found without the line's end: nobody waits for that.
        #expect(Self.read("SEND\n\(long)").error?.disconnect == .policyViolation)
        #expect(Self.read(long + "a", size: 100).error?.disconnect == .policyViolation)
        #expect(Self.read("SEND\ncontent-length:11\n\n", limit: 10).error?.disconnect == .messageTooBig)
        #expect(Self.read("SEND\n\n12345678901", limit: 10).error?.disconnect == .messageTooBig)
        #expect(
            Self.read("SEND\ncontent-length:\(String(repeating: "9", count: 30))\n\n").error?.disconnect
                == .messageTooBig)
        #expect(Self.read("SEND\n\n1234567890\0", limit: 10).frames.count == 1)
    }

    @Test("a small body does not keep the message that it came in")
    func memory() throws {
        var reader = STOMPReader(maxBodyBytes: 1_000)
        reader.version = .v12
        reader.feed(ByteBuffer(string: "SEND\n\nx\0" + String(repeating: "\n", count: 100_000)))
        let frame = try #require(try reader.next())
        #expect(frame.body.storageCapacity < 100)
        #expect(try reader.next() == nil)
        #expect(reader.waitingBytes == 0)
    }

    @Test("frames are the same however their bytes are cut")
    func splits() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let version = STOMPVersion.allCases.randomElement(using: &random) ?? .v12
            var (text, expected) = ("", [STOMPFrame]())
            for _ in 0..<Int.random(in: 1...5, using: &random) {
                let body = String(
                    (0..<Int.random(in: 0...40, using: &random)).map { _ in "ab\0\n:\\é".randomElement()! })
                let tag = ExactText(String((0..<5).map { _ in "ab:\\\n".randomElement()! }))
                let value = STOMPEscapes.canSay(tag, version) ? tag : "plain"
                var bytes = ByteBuffer()
                STOMPEscapes.write(value, version, into: &bytes)
                let length = "\(body.utf8.count)"
                text += "\n\nSEND\ntag:\(String(buffer: bytes))\ncontent-length:\(length)\n\n\(body)\0"
                expected.append(
                    STOMPFrame(
                        .send, headers: [.init("tag", value), .init("content-length", ExactText(length))],
                        body: ByteBuffer(string: body)))
            }
            for size in [1, 2, 3, Int.random(in: 4...50, using: &random), .max] {
                let (frames, error) = Self.read(text, version, size: size)
                #expect(frames == expected && error == nil, "\(text.debugDescription) in pieces of \(size)")
            }
        }
    }

    @Test(
        "the newest common version is taken; a client without accept-version speaks 1.0 (Protocol Negotiation)",
        arguments: [
            (nil, .v10), ("1.0,1.1,1.2", .v12), ("1.1,1.0", .v11), ("1.1, 1.0", .v11), ("1.0,2.1", .v10), ("1.2", .v12),
            ("2.1", nil), ("", nil), ("1.20", nil),
        ] as [(ExactText?, STOMPVersion?)])
    func versions(_ list: ExactText?, _ version: STOMPVersion?) {
        #expect(STOMPVersion.newest(of: list) == version)
    }
}
