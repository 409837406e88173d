import NIOCore
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

    @Test("a request as in the RFC is accepted with its key")
    func sample() throws {
        #expect(try check().get().key == "dGhlIHNhbXBsZSBub25jZQ==")
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
