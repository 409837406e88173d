import FanfareProtocols
import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore

@Suite("Shared frames")
struct SharedFramesTests {
    private static let payloads = [
        Payload(kind: .text, bytes: ByteBuffer(string: "{\n\"a\" :\r\n[1,\n2]}")),
        Payload(kind: .text, bytes: ByteBuffer(string: "no \"JSON\"\n")),
        Payload(kind: .binary, bytes: ByteBuffer(bytes: [0, 10, 13, 255])),
        Payload(kind: .text, bytes: ByteBuffer(string: "[]")),
    ]

    @Test("a list of the newest is, item by item, what an answer that encodes for itself has", arguments: 0...5)
    func items(count: Int) throws {
        let channel = try ChannelName("a")
        let publications = Self.payloads.enumerated().map { index, payload in
            Publication(
                channel: channel, payload: payload,
                position: StreamPosition(offset: UInt64(index) + 7, epoch: "e"))
        }
        var expected = ByteBuffer()
        CentrifugeJSONEncoder.write(publications.suffix(count), into: &expected)
        let items = SharedFrames(publications).items(last: count, CentrifugeJSONEncoder.self)
        #expect("[" + String(buffer: items) + "]" == String(buffer: expected))
        #expect(!items.readableBytesView.contains { $0 == 10 || $0 == 13 })
    }

    @Test("an answer with shared items is the answer without them")
    func answer() throws {
        let channel = try ChannelName("a")
        let publications = Self.payloads.map { Publication(channel: channel, payload: $0) }
        var answer = CentrifugeSubscribeResult(isRecoverable: true, publications: publications)
        let alone = CentrifugeJSONEncoder.subscribeReply(id: 7, answer)
        let shared = SharedFrames(publications)
        answer.items = shared.items(last: publications.count, CentrifugeJSONEncoder.self)
        #expect(CentrifugeJSONEncoder.subscribeReply(id: 7, answer) == alone)
    }

    @Test("each encoding has a list of its own, whoever asks first", arguments: 0...5)
    func encodings(count: Int) throws {
        let channel = try ChannelName("a")
        let publications = Self.payloads.map { Publication(channel: channel, payload: $0) }
        var answer = CentrifugeSubscribeResult(isRecoverable: true, publications: publications.suffix(count))
        let alone = CentrifugeProtobufEncoder.subscribeReply(id: 7, answer)
        let shared = SharedFrames(publications)
        for _ in 0..<2 {
            answer.items = shared.items(last: count, CentrifugeProtobufEncoder.self)
            #expect(CentrifugeProtobufEncoder.subscribeReply(id: 7, answer) == alone)
            let text = String(buffer: shared.items(last: count, CentrifugeJSONEncoder.self))
            #expect(text.hasPrefix(#"{"data":"#) == (count > 0) && !text.hasSuffix(","))
        }
    }
}
