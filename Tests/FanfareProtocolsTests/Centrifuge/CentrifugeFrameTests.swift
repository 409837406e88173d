import FanfareTestKit
import Foundation
import NIOCore
import Testing

@testable import FanfareProtocols
@testable import FanfareWire

/// The frames as a strict client takes them apart: header, length, one line, JSON.
@Suite("Centrifuge frames")
struct CentrifugeFrameTests {
    /// The payload of the one text frame that a WebSocket client gets, its header checked bit for bit.
    private func sealed(_ body: Body) throws -> [UInt8] {
        var frame = WebSocketFraming().seal(body)
        #expect(frame.getInteger(at: frame.readerIndex, as: UInt8.self) == 0x81)
        frame.moveReaderIndex(forwardBy: 1)
        let short: UInt8? = frame.readInteger()
        var length = Int(try #require(short))
        if length == 126 {
            let medium: UInt16? = frame.readInteger()
            length = Int(try #require(medium))
            #expect(length >= 126)
        } else if length == 127 {
            let long: UInt64? = frame.readInteger()
            length = Int(try #require(long))
            #expect(length >= 65_536)
        }
        #expect(frame.readableBytes == length)
        return Array(frame.readableBytesView)
    }

    private func publication(_ payload: Payload, channel: String = "c") throws -> [UInt8] {
        try sealed(CentrifugeJSONEncoder.publicationPush(Publication(channel: ChannelName(channel), payload: payload)))
    }

    @Test("the header is right on both sides of each of its lengths", arguments: [125, 126, 65_535, 65_536])
    func headers(length: Int) throws {
        let around = try publication(Payload(text: "")).count
        let bytes = try publication(Payload(text: String(repeating: "x", count: length - around)))
        #expect(bytes.count == length)
        #expect(String(decoding: bytes, as: UTF8.self).hasSuffix("x\"}}}"))
    }

    @Test(
        "JSON data leaves as its very bytes, whatever its spacing and its numbers",
        arguments: [
            #"{"a" : 1.50, "b":1E5,"a":"\u00e9\/"}"#, "12345678901234567890.10", "  [ ]  ", #""\ud800""#,
            "{\"line\":\"\u{2028}\"}",
        ])
    func veryBytes(text: String) throws {
        let bytes = try publication(Payload(text: text))
        #expect(String(decoding: bytes, as: UTF8.self) == #"{"push":{"channel":"c","pub":{"data":"# + text + "}}}")
    }

    @Test("line breaks between tokens become spaces and nothing else changes")
    func lineBreaks() throws {
        let bytes = try publication(Payload(text: "{\r\n\t\"a\\n\": [1,\n2]\r}\n"))
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == #"{"push":{"channel":"c","pub":{"data":{  "# + "\t" + #""a\n": [1, 2] } }}}"#)
    }

    @Test("a payload that shares its bytes with others is not changed by its frame")
    func sharing() throws {
        let payload = Payload(text: "[1,\n2]")
        let copy = payload
        _ = try publication(payload)
        #expect(String(buffer: copy.bytes) == "[1,\n2]" && payload == copy)
    }

    @Test("JSON is JSON however deep it is nested, and never becomes a string")
    func depth() throws {
        for levels in [64, 65, 1_000] {
            let text = String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
            #expect(String(decoding: try publication(Payload(text: text)), as: UTF8.self).contains(":\(text)}"))
        }
    }

    @Test("any payload in any channel makes one line of JSON that gives it back", arguments: 0..<300)
    func anything(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        let pieces = [
            "{", "}", "[", "]", "\"", "\\", "\n", "\r\n", " ", "1", "-2.5", "true", ",", ":", "a", "é", "😀", "\u{0}",
            "\u{2028}",
        ]
        for _ in 0..<20 {
            let text = (0..<Int.random(in: 0...12, using: &random)).map { _ in
                pieces.randomElement(using: &random) ?? ""
            }.joined()
            let channel = "ch\"\\/é😀"
            let bytes = try publication(Payload(text: text), channel: channel)
            #expect(!bytes.contains(0x0A) && !bytes.contains(0x0D))
            let object = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]
            let push = try #require(object?["push"] as? [String: Any])
            #expect(push["channel"] as? String == channel)
            let data = try #require((push["pub"] as? [String: Any])?["data"])
            let parsed = try? JSONSerialization.jsonObject(with: Data(text.utf8), options: [.fragmentsAllowed])
            // Foundation takes a zero for half a character of UTF-16; in JSON there is none.
            if let parsed, !text.utf8.contains(0) {
                #expect((parsed as? NSObject) == (data as? NSObject))
            } else {
                #expect((data as? String)?.unicodeScalars.elementsEqual(text.unicodeScalars) == true)
            }
        }
    }

    @Test("binary of every length reads back", arguments: [0, 1, 2, 3, 4, 255, 70_000])
    func binary(count: Int) throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let payload = Payload(kind: .binary, bytes: ByteBuffer(bytes: bytes))
        let object = try JSONSerialization.jsonObject(with: Data(publication(payload))) as? [String: Any]
        let data = ((object?["push"] as? [String: Any])?["pub"] as? [String: Any])?["data"] as? [String: Any]
        #expect((data?["base64"] as? String).flatMap { Data(base64Encoded: $0) } == Data(bytes))
    }

    @Test("a frame of plain data fits the room that is made for it at once", arguments: [0, 1, 1_000, 60_000])
    func room(count: Int) throws {
        let json = Payload(text: "[" + String(repeating: "1,", count: count) + "1]")
        let text = Payload(text: String(repeating: "x", count: count))
        for payload in [json, text, Payload(kind: .binary, bytes: json.bytes)] {
            let publication = Publication(
                channel: try ChannelName(String(repeating: "c", count: 255)), payload: payload)
            let bytes = try sealed(CentrifugeJSONEncoder.publicationPush(publication))
            #expect(bytes.count <= CentrifugeJSONEncoder.sizeHint(publication))
            #expect(CentrifugeJSONEncoder.sizeHint(publication) < bytes.count + 64)
        }
    }

    @Test("ids go out as they came in", arguments: [1, 4_294_967_295] as [UInt32])
    func ids(id: UInt32) throws {
        for body in [
            CentrifugeJSONEncoder.emptyReply(id: id, method: .publish),
            CentrifugeJSONEncoder.errorReply(id: id, .permissionDenied),
            CentrifugeJSONEncoder.connectReply(id: id, client: "c", version: "v", node: "n", ping: 25),
        ] {
            let object = try JSONSerialization.jsonObject(with: Data(sealed(body))) as? [String: Any]
            #expect(object?["id"] as? UInt32 == id)
        }
    }

    @Test("an error is temporary only where trying again helps")
    func errors() throws {
        let table: [(CentrifugeError, UInt32, Bool)] = [
            (.internalError(), 100, true), (.unauthorized, 101, false), (.permissionDenied, 103, false),
            (.alreadySubscribed, 105, false), (.limitExceeded("m"), 106, false),
            (.badRequest("m"), 107, false), (.notAvailable("m"), 108, false),
        ]
        for (error, code, isTemporary) in table {
            let object = try JSONSerialization.jsonObject(
                with: Data(sealed(CentrifugeJSONEncoder.errorReply(id: 1, error))))
            let body = try #require((object as? [String: Any])?["error"] as? [String: Any])
            #expect(body["code"] as? UInt32 == code && (body["message"] as? String)?.isEmpty == false)
            #expect((body["temporary"] as? Bool ?? false) == isTemporary)
        }
    }
}
