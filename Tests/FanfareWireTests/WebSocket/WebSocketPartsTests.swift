import NIOCore
import Support
import Testing

@testable import FanfareWire

@Suite("WebSocket parts")
struct WebSocketPartsTests {
    @Test("unmasking agrees with the byte loop for every length and phase")
    func unmask() {
        for length in 0...70 {
            for phase in 0..<8 {
                let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 * 7 + 3) }
                let key: [UInt8] = [0x12, 0x34, 0x56, 0x78]
                let expected = bytes.enumerated().map { $0.element ^ key[($0.offset + phase) % 4] }
                let mask = UInt32(key[0]) | UInt32(key[1]) << 8 | UInt32(key[2]) << 16 | UInt32(key[3]) << 24
                var unmasked = ByteBuffer()
                bytes.withUnsafeBytes { Unmask.write($0, mask: mask, phase: phase, to: &unmasked) }
                #expect(Array(unmasked.readableBytesView) == expected, "length \(length), phase \(phase)")
            }
        }
    }

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

    @Test("frames have the shortest header for their length", arguments: [0, 1, 125, 126, 65_535, 65_536, 100_000])
    func encode(length: Int) {
        let frame = WebSocketFrame.encode(.binary, payload: ByteBuffer(repeating: 7, count: length))
        let header = length < 126 ? 2 : length < 65_536 ? 4 : 10
        #expect(frame.readableBytes == header + length)
        #expect(WebSocketFrame.headerLength(payloadLength: length) == header)
        #expect(frame.readableBytesView.suffix(length).allSatisfy { $0 == 7 })
        #expect(frame.getInteger(at: 0, as: UInt8.self) == 0x82)
    }

    @Test("a close frame's reason is cut between characters to fit a control frame")
    func longReason() {
        let frame = WebSocketFrame.close(code: 3008, reason: String(repeating: "é", count: 100))
        #expect(frame.readableBytes == 2 + 2 + 122)
        #expect(String(validating: frame.readableBytesView.dropFirst(4), as: UTF8.self) != nil)
    }

    @Test("a client's close is answered with its own code")
    func closeAnswer() {
        #expect(Array(WebSocketFrame.closeAnswer(3_000).readableBytesView) == [0x88, 2, 0x0B, 0xB8])
        #expect(Array(WebSocketFrame.closeAnswer(nil).readableBytesView) == [0x88, 0])
    }

    @Test("SHA-1 and Base64 give the published values")
    func hashes() {
        let hex = { (bytes: [UInt8]) in bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
        #expect(hex(SHA1.hash(Array("abc".utf8))) == "a9993e364706816aba3e25717850c26c9cd0d89d")
        #expect(hex(SHA1.hash([])) == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
        #expect(
            hex(SHA1.hash(Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8)))
                == "84983e441c3bd26ebaae4aa1f95129e5e54670f1")
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            #expect(String(decoding: Base64.encode(plain.utf8), as: UTF8.self) == coded)
            #expect(Base64.decode(coded.utf8) == Array(plain.utf8))
        }
        for bad in ["Zg", "Z===", "Zg=a", "====", "Zm9v\n", "Zm 9"] {
            #expect(Base64.decode(bad.utf8) == nil, "\(bad)")
        }
    }
}

@Suite("Opening handshake")
struct OpeningHandshakeTests {
    private static let good = [
        (name: "Host", value: "x"), (name: "Upgrade", value: "websocket"), (name: "Connection", value: "Upgrade"),
        (name: "Sec-WebSocket-Key", value: "dGhlIHNhbXBsZSBub25jZQ=="), (name: "Sec-WebSocket-Version", value: "13"),
    ]

    private func check(
        method: String = "GET", minor: Int = 1, replacing: (String, String?)..., adding: (String, String)...
    ) -> Result<OpeningHandshake.Acceptance, OpeningHandshake.Refusal> {
        var headers = Self.good
        for (name, value) in replacing {
            headers.removeAll { $0.name == name }
            if let value { headers.append((name: name, value: value)) }
        }
        headers += adding.map { (name: $0.0, value: $0.1) }
        return OpeningHandshake.check(
            method: method, majorVersion: 1, minorVersion: minor, headers: headers, subprotocols: ["centrifuge-json"])
    }

    private func status(_ result: Result<OpeningHandshake.Acceptance, OpeningHandshake.Refusal>) -> Int {
        switch result {
        case .success: 101
        case .failure(let refusal): refusal.status
        }
    }

    @Test("the RFC's sample key gets the RFC's answer")
    func sample() throws {
        #expect(try check().get().acceptKey == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    }

    @Test("tokens are found in lists, in any case and order")
    func tokens() {
        #expect(status(check(replacing: ("Connection", "keep-alive, UPGRADE"), ("Upgrade", "WebSocket"))) == 101)
        #expect(status(check(replacing: ("Connection", "keep-alive"), adding: ("connection", "upgrade"))) == 101)
    }

    @Test("each thing that is missing or wrong has its own answer")
    func refusals() {
        #expect(status(check(method: "POST")) == 405)
        #expect(status(check(minor: 0)) == 400)
        #expect(status(check(replacing: ("Upgrade", nil))) == 426)
        #expect(status(check(replacing: ("Upgrade", "h2c"))) == 426)
        #expect(status(check(replacing: ("Connection", "close"))) == 400)
        #expect(status(check(replacing: ("Sec-WebSocket-Version", "8"))) == 426)
        #expect(status(check(replacing: ("Sec-WebSocket-Version", nil))) == 426)
        #expect(status(check(replacing: ("Sec-WebSocket-Key", nil))) == 400)
        #expect(status(check(replacing: ("Sec-WebSocket-Key", "short"))) == 400)
        #expect(status(check(adding: ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="))) == 400)
    }

    @Test("what may be there once is refused when it is there twice, and an upgrade has no body")
    func doubled() {
        #expect(status(check(adding: ("sec-websocket-version", "13"))) == 400)
        #expect(status(check(replacing: ("Sec-WebSocket-Version", "13, 8"))) == 426)
        #expect(status(check(replacing: ("Sec-WebSocket-Version", " 13\t"))) == 101)
        #expect(status(check(replacing: ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ== ,x"))) == 400)
        #expect(status(check(adding: ("Content-Length", "0"))) == 101)
        #expect(status(check(adding: ("content-length", "1"))) == 400)
        #expect(status(check(adding: ("Transfer-Encoding", "chunked"))) == 400)
        #expect(status(check(adding: ("Sec-WebSocket-Extensions", "a;="))) == 400)
        #expect(status(check(adding: ("Sec-WebSocket-Extensions", "x-unknown; y=1"))) == 101)
    }

    @Test("versions, tokens and the key are compared as the RFC says: case matters in the key alone")
    func spelling() {
        #expect(status(check(replacing: ("Upgrade", "h2c , WEBSOCKET"), ("Connection", "close ,uPgrade,"))) == 101)
        #expect(status(check(replacing: ("Upgrade", "websockets"))) == 426)
        #expect(status(check(replacing: ("Connection", "Upgraded"))) == 400)
        #expect(status(check(replacing: ("Sec-WebSocket-Key", "DGHLIHNHBXBSZSBUB25JZQ=="))) == 101)
        #expect(status(check(replacing: ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ"))) == 400)
        #expect(status(check(replacing: ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZSE="))) == 400, "17 bytes")
        #expect(status(check(replacing: ("Sec-WebSocket-Key", "dGhl!HNhbXBsZSBub25jZQ=="))) == 400)
    }

    @Test("of the client's subprotocols the first that we speak is chosen, or none")
    func subprotocols() throws {
        #expect(try check().get().subprotocol == nil)
        #expect(try check(adding: ("Sec-WebSocket-Protocol", "other")).get().subprotocol == nil)
        #expect(
            try check(adding: ("Sec-WebSocket-Protocol", "other"), ("sec-websocket-protocol", "x , centrifuge-json"))
                .get().subprotocol == "centrifuge-json")
    }
}
