import FanfareTestKit
import FanfareWire
import NIOCore
import Testing

@testable import FanfareProtocols

@Suite("Centrifuge deltas in JSON")
struct CentrifugeDeltaTests {
    private func publication(_ text: String, offset: UInt64? = nil, tags: PublicationTags = .none) throws -> Publication
    {
        Publication(
            channel: try ChannelName("c"), payload: Payload(text: text),
            position: offset.map { StreamPosition(offset: $0, epoch: "e") }, metadata: PublicationMetadata(tags: tags))
    }

    private func pub(_ body: Body) throws -> JSONMembers {
        let push = try #require(JSONMembers(body.bytes)?["push"])
        return try #require(JSONMembers(push.bytes)?["pub"].flatMap { JSONMembers($0.bytes) })
    }

    private static let long = #"{"symbol":"FANF","venue":"XETRA","currency":"EUR","price":"#

    @Test("a whole publication is a string of what others get as JSON")
    func whole() throws {
        let tags = try PublicationTags([.init(name: "t", value: "1")])
        let body = CentrifugeJSONEncoder.wholePush(try publication("{\"a\":\n\"b\"}", offset: 7, tags: tags))
        #expect(
            body.text == #"{"push":{"channel":"c","pub":{"data":"{\"a\": \"b\"}","offset":7,"tags":{"t":"1"}}}}"#)
        let text = CentrifugeJSONEncoder.wholePush(try publication("no JSON"))
        #expect(text.text == #"{"push":{"channel":"c","pub":{"data":"\"no JSON\""}}}"#)
    }

    @Test("a delta makes the next text out of the last one")
    func delta() throws {
        let (first, second) = (try publication(Self.long + "1}"), try publication(Self.long + "2}", offset: 8))
        let body = try #require(CentrifugeJSONEncoder.deltaPush(second, after: first))
        let pub = try pub(body)
        #expect(pub["delta"]?.bool == true && pub["offset"]?.unsigned == 8)
        let base = Array(first.payload.bytes.readableBytesView)
        let target = try FossilPatch.apply(Array(try #require(pub["data"]?.string).utf8), to: base)
        #expect(String(decoding: target, as: UTF8.self) == Self.long + "2}")
    }

    @Test("binary payloads and line breaks are compared as clients have them")
    func renditions() throws {
        let bytes = [UInt8](0..<120)
        let (first, second) = (
            Publication(
                channel: try ChannelName("c"), payload: Payload(kind: .binary, bytes: ByteBuffer(bytes: bytes))),
            Publication(
                channel: try ChannelName("c"),
                payload: Payload(kind: .binary, bytes: ByteBuffer(bytes: bytes + [1, 2, 3])))
        )
        var reader = ""
        for body in [CentrifugeJSONEncoder.wholePush(first), CentrifugeJSONEncoder.deltaPush(second, after: first)] {
            let pub = try pub(try #require(body))
            let data = try #require(pub["data"]?.string)
            reader =
                pub["delta"]?.bool == true
                ? String(decoding: try FossilPatch.apply(Array(data.utf8), to: Array(reader.utf8)), as: UTF8.self)
                : data
        }
        #expect(reader == #"{"base64":"\#(String(decoding: Base64.encode(bytes + [1, 2, 3]), as: UTF8.self))"}"#)
    }

    @Test("where a delta is no smaller there is none, and characters are not torn apart")
    func none() throws {
        #expect(CentrifugeJSONEncoder.deltaPush(try publication("[1]"), after: try publication("[2]")) == nil)
        let (first, second) = (
            try publication("\"" + String(repeating: "é", count: 60) + "\""),
            try publication("\"" + String(repeating: "é", count: 30) + "ê" + String(repeating: "é", count: 30) + "\"")
        )
        let body = try #require(CentrifugeJSONEncoder.deltaPush(second, after: first))
        #expect(String(validating: body.bytes.readableBytesView, as: UTF8.self) != nil)
        let data = try #require(try pub(body)["data"]?.string)
        let target = try FossilPatch.apply(Array(data.utf8), to: Array(first.payload.bytes.readableBytesView))
        #expect(target == Array(second.payload.bytes.readableBytesView))
    }

    @Test("a delta is smaller than the whole in what leaves the node, to the byte, and smaller by a byte is enough")
    func sizes() throws {
        for encoder in [CentrifugeJSONEncoder.self, CentrifugeProtobufEncoder.self] as [any CentrifugeEncoder.Type] {
            var (deltas, bestMissed, smallest) = (0, Int.max, Int.max)
            for length in 1..<200 {
                // What is copied has no escapes, and what is inserted has.
                for change in ["2", "\\n\\n", "\n\n"] {
                    let text = "\"" + String(repeating: "x", count: length) + "\""
                    let (first, second) = (try publication("[\(text)1]"), try publication("[\(text)\(change)]"))
                    let whole = encoder.wholePush(second).bytes.readableBytes
                    if let delta = encoder.deltaPush(second, after: first)?.bytes.readableBytes {
                        #expect(delta < whole, "\(delta) bytes instead of \(whole) in \(encoder)")
                        deltas += 1
                        smallest = min(smallest, whole - delta)
                    } else {
                        bestMissed = min(bestMissed, length)
                    }
                }
            }
            #expect(deltas > 100 && bestMissed == 1 && smallest == 1, "\(deltas), \(bestMissed), \(smallest)")
        }
    }

    @Test("the size of a string is that of what is written")
    func stringSize() {
        let texts = ["", "a", "\"\\", "\n\r\t", "\u{0}\u{1F}\u{7F}", "é😀", "{\"a\":\n1}"]
        for text in texts {
            var buffer = ByteBuffer()
            JSONWriter.writeString(text, into: &buffer)
            var copy = text
            #expect(copy.withUTF8 { JSONWriter.stringSize(UnsafeRawBufferPointer($0)) } == buffer.readableBytes)
        }
    }

    @Test(
        "clients that hear a stream have deltas as well, and so have those in Protobuf",
        arguments: [
            WireFormat.centrifugeEventStream, .centrifugeEventStreamChunked, .centrifugeHTTPStream,
            .centrifugeHTTPStreamChunked, .centrifugeProtobufWebSocket, .centrifugeProtobufWebSocketDeflate,
        ])
    func formats(format: WireFormat) throws {
        let formats = FormatTable()
        formats.acquire(format)
        let (first, second) = (try publication(Self.long + "1}"), try publication(Self.long + "2}"))
        let prepared = PreparedPublication(second, formats: formats, receivedAt: 0)
        let (whole, delta) = (prepared.frame(format, after: nil), prepared.frame(format, after: first))
        #expect(delta.readableBytes > 0 && delta.readableBytes < whole.readableBytes)
    }

    /// The value of a field of a message, the last one where there are several.
    private func field(_ number: UInt32, of message: ByteBuffer) throws -> ProtobufReader.Value? {
        var reader = ProtobufReader(message)
        var value: ProtobufReader.Value?
        while let field = try reader.next() { if field.number == number { value = field.value } }
        return value
    }

    private func message(_ number: UInt32, of message: ByteBuffer) throws -> ByteBuffer {
        guard case .bytes(let bytes)? = try field(number, of: message) else { return ByteBuffer() }
        return bytes
    }

    /// The publication of a push.
    private func protobufPub(_ body: Body) throws -> ByteBuffer {
        var bytes = body.bytes
        let reply = bytes.readProtobufBytes()
        return try message(4, of: try message(4, of: try #require(reply)))
    }

    @Test("in Protobuf a whole publication is as any other, and a delta is one of its bytes")
    func protobuf() throws {
        let (first, second) = (try publication(Self.long + "1}"), try publication(Self.long + "2}", offset: 8))
        #expect(CentrifugeProtobufEncoder.wholePush(second) == CentrifugeProtobufEncoder.publicationPush(second))
        let pub = try protobufPub(try #require(CentrifugeProtobufEncoder.deltaPush(second, after: first)))
        #expect(try field(8, of: pub) == .varint(1))
        #expect(try field(6, of: pub) == .varint(8))
        let delta = Array(try message(4, of: pub).readableBytesView)
        let target = try FossilPatch.apply(delta, to: Array(first.payload.bytes.readableBytesView))
        #expect(target == Array(second.payload.bytes.readableBytesView))
    }

    @Test("in Protobuf tags and info are there as well")
    func protobufMetadata() throws {
        var named = try publication("1", tags: try PublicationTags([.init(name: "a", value: "x")]))
        named.metadata = PublicationMetadata(
            tags: named.metadata?.tags ?? .none, info: ClientInfo(client: "c1", user: "u"))
        let pub = try protobufPub(CentrifugeProtobufEncoder.publicationPush(named))
        let (tag, info) = (try message(7, of: pub), try message(5, of: pub))
        #expect(try field(1, of: tag)?.text == "a")
        #expect(try field(2, of: tag)?.text == "x")
        #expect(try field(1, of: info)?.text == "u")
        #expect(try field(2, of: info)?.text == "c1")
    }

    @Test("a prepared publication makes one delta for all, compressed where that pays, and is whole after another base")
    func prepared() throws {
        let formats = FormatTable(compressionThreshold: 64)
        for format in [WireFormat.centrifugeJSONWebSocket, .centrifugeJSONWebSocketDeflate] { formats.acquire(format) }
        let (first, second) = (try publication(Self.long + "1}"), try publication(Self.long + "2}"))
        let prepared = PreparedPublication(second, formats: formats, receivedAt: 0)
        let whole = prepared.frame(.centrifugeJSONWebSocket, after: nil)
        let delta = prepared.frame(.centrifugeJSONWebSocket, after: first)
        #expect(whole == WebSocketFraming().seal(CentrifugeJSONEncoder.wholePush(second), at: nil))
        #expect(delta.readableBytes < whole.readableBytes)
        let again = prepared.frame(.centrifugeJSONWebSocket, after: try publication(Self.long + "1}"))
        #expect(again == delta)
        #expect(prepared.frame(.centrifugeJSONWebSocket, after: try publication("0")) == whole)
        let deflated = prepared.frame(.centrifugeJSONWebSocketDeflate, after: nil)
        #expect(deflated.readableBytes < whole.readableBytes)
        #expect(prepared.takeDeflatedBytes()?.before ?? 0 > 0)
    }

    @Test("a publication with an info and tags says so")
    func metadata() throws {
        var named = try publication(
            "1", tags: try PublicationTags([.init(name: "a", value: "x\""), .init(name: "b", value: "")]))
        named.metadata = PublicationMetadata(
            tags: named.metadata?.tags ?? .none,
            info: ClientInfo(client: "c1", user: "u", connInfo: ByteBuffer(string: "{}")))
        let text = CentrifugeJSONEncoder.publicationPush(named).text
        let info = #""info":{"user":"u","client":"c1","conn_info":{}}"#
        #expect(text == #"{"push":{"channel":"c","pub":{"data":1,\#(info),"tags":{"a":"x\"","b":""}}}}"#)
    }
}
