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

    @Test(
        "an answer with shared items is the answer without them, and many bytes in it are those that others get",
        arguments: [1, 5_000])
    func answer(copies: Int) throws {
        let channel = try ChannelName("a")
        let publications = Array(repeating: Self.payloads, count: copies).joined().map {
            Publication(channel: channel, payload: $0)
        }
        var answer = CentrifugeSubscribeResult(isRecoverable: true, publications: publications)
        let alone = CentrifugeJSONEncoder.subscribeReply(id: 7, answer)
        let items = SharedFrames(publications).items(last: publications.count, CentrifugeJSONEncoder.self)
        answer.items = items
        let reply = CentrifugeJSONEncoder.subscribeReply(id: 7, answer)
        #expect(reply == alone && alone.rest.isEmpty)
        #expect(reply.rest.isEmpty == (copies == 1))
        let address = { (buffer: ByteBuffer) in buffer.withUnsafeReadableBytes(\.baseAddress) }
        if let first = reply.rest.first { #expect(address(first) == address(items)) }
    }

    @Test("what a filter lets through is kept for others with the same one, within a bound for all filters")
    func filtered() throws {
        let (channel, count) = (try ChannelName("a"), 4)
        let payload = Payload(
            kind: .binary, bytes: ByteBuffer(repeating: 7, count: SharedFrames.maximumFilteredBytes / count))
        let publications = try (0..<count).map { number in
            Publication(
                channel: channel, payload: payload, position: StreamPosition(offset: UInt64(number) + 1, epoch: "e"),
                metadata: PublicationMetadata(
                    tags: try PublicationTags([.init(name: "n", value: ExactText("\(number)"))])))
        }
        let shared = SharedFrames(publications)
        let filters = try ["2", "3", "4"].map { try TagFilter(.init(op: "", key: "n", cmp: "lt", val: ExactText($0))) }
        let first = shared.filtered(by: filters[0])
        #expect(first.count == 2 && shared.filtered(by: filters[0]) === first)
        // Three more are too much beside the two.
        let second = shared.filtered(by: filters[1])
        #expect(second.count == 3 && shared.filtered(by: filters[1]) !== second)
        #expect(shared.filtered(by: filters[0]) === first)
        // A client that asked for some gets what passes of these.
        var start = SubscriptionStart(publications: shared.publications(last: 3))
        start.shared = shared
        start.select(.filtered(filters[0]))
        #expect(start.shared === first && start.publications.map(\.position?.offset) == [2])
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
