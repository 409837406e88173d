import FanfareTestKit
import Foundation
import NIOCore
import Testing

@testable import FanfareWire

@Suite("HTTP streams")
struct HTTPStreamFramingTests {
    private let framing = HTTPStreamFraming()
    private let place = StreamPosition(offset: 42, epoch: "k3vxq7ab")

    private func line(_ text: String, at position: StreamPosition? = nil) -> String {
        String(buffer: framing.seal(Body(Payload(text: text)), at: position))
    }

    @Test(
        "JSON is in a line as it came, other text as a string",
        arguments: [
            (#"{"n": 1}"#, #"{"n": 1}"#), ("[1,\r\n2]", "[1,  2]"), ("hello", #""hello""#), ("", #""""#), ("7", "7"),
            (#""x""#, #""x""#), ("a\nb\r", #""a\nb\r""#), ("\0", #""\u0000""#), (#"{"a":1"#, #""{\"a\":1""#),
            ("\u{FEFF}1", "\"\u{FEFF}1\""),
        ])
    func text(payload: String, data: String) {
        #expect(ExactText(line(payload)) == ExactText("{\"data\":\(data)}\n"))
        #expect(ExactText(line(payload, at: place)) == ExactText("{\"id\":\"42.k3vxq7ab\",\"data\":\(data)}\n"))
    }

    @Test("binary is in another member")
    func binary() {
        let payload = Payload(kind: .binary, bytes: ByteBuffer(bytes: [0xFF, 0, 0x0A, 0x0D]))
        #expect(String(buffer: framing.seal(Body(payload), at: nil)) == #"{"base64":"/wAKDQ=="}"# + "\n")
        let empty = Payload(kind: .binary, bytes: ByteBuffer())
        #expect(String(buffer: framing.seal(Body(empty), at: place)) == #"{"id":"42.k3vxq7ab","base64":""}"# + "\n")
    }

    @Test("a body that a codec wrote is framed like a payload")
    func written() {
        let body = Body(.text, sizeHint: 8) { $0.writeString("[1,\n2]") }
        #expect(String(buffer: framing.seal(body, at: nil)) == line("[1,\n2]"))
        #expect(String(buffer: body.bytes) == "[1,\n2]", "what others hold stays")
    }

    @Test("text that is not UTF-8 ends nothing")
    func invalid() {
        let broken = Payload(kind: .text, bytes: ByteBuffer(bytes: [0xE2, 0x0A, 0x82, 0x22, 0xFF]))
        let frame = framing.seal(Body(broken), at: nil)
        #expect(frame.readableBytesView.filter { $0 == 0x0A }.count == 1 && frame.readableBytesView.last == 0x0A)
    }

    @Test("every line is one JSON object, and it gives the payload back", arguments: 0..<20)
    func anything(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        var stream = ByteBuffer()
        var sent: [(Payload, StreamPosition?)] = []
        for offset in 1...200 as ClosedRange<UInt64> {
            let text = Bool.random(using: &random) ? OddText.make(&random) : OddText.makeJSON(&random)
            let position = Bool.random(using: &random) ? StreamPosition(offset: offset, epoch: "e\(seed)") : nil
            let isBinary = Int.random(in: 0..<4, using: &random) == 0
            let payload = Payload(kind: isBinary ? .binary : .text, bytes: ByteBuffer(string: text))
            sent.append((payload, position))
            stream.writeImmutableBuffer(framing.seal(Body(payload), at: position))
            if Bool.random(using: &random) { stream.writeImmutableBuffer(HTTPStreamFraming.ping) }
        }
        #expect(stream.readableBytesView.last == 0x0A && !stream.readableBytesView.contains(0x0D))
        let lines = stream.readableBytesView.split(separator: 0x0A)
        try #require(lines.count == sent.count)
        for (line, (payload, position)) in zip(lines, sent) { try check(Array(line), payload, position) }
    }

    private func check(_ line: [UInt8], _ payload: Payload, _ position: StreamPosition?) throws {
        // Foundation's reader judges, ours finds the bytes.
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
        let members = try #require(JSONMembers(ByteBuffer(bytes: line)))
        let member: ExactText = payload.kind == .binary ? "base64" : "data"
        #expect(members.keys == (position == nil ? [member] : ["id", member]) && object.count == members.keys.count)
        #expect((object["id"] as? String).flatMap { StreamPosition($0) } == position)
        let sent = Array(payload.bytes.readableBytesView)
        switch payload.kind {
        case .binary:
            let text = try #require(object["base64"] as? String)
            #expect(Data(base64Encoded: text) == Data(sent))
        case .text where JSONLine(payload.bytes) != nil:
            let data = try #require(members["data"])
            let spaced = sent.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 }
            let whitespace: Set<UInt8> = [0x20, 0x09]
            let core = spaced.drop { whitespace.contains($0) }.reversed().drop { whitespace.contains($0) }.reversed()
            #expect(Array(data.bytes.readableBytesView) == Array(core))
        case .text:
            #expect((members["data"]?.string).map { Array($0.utf8) } == sent)
            // Foundation loses a U+FEFF that follows an escape.
            let text = try #require(object["data"] as? String)
            #expect(withoutBOM(text) == withoutBOM(String(decoding: sent, as: UTF8.self)))
        }
    }

    private func withoutBOM(_ text: String) -> [Unicode.Scalar] { text.unicodeScalars.filter { $0 != "\u{FEFF}" } }
}
