import FanfareTestKit
import NIOCore
import Testing

@testable import FanfareProtocols
@testable import FanfareWire

/// Bytes as Google's library for Python writes them with the schema of the official SDK.
@Suite("Centrifuge Protobuf")
struct CentrifugeProtobufTests {
    private static let position = StreamPosition(offset: 5, epoch: "x")

    @Test(
        "every command of the protocol is read",
        arguments: [
            (
                "080122330a017412027b7d1a1d0a02c3a91217180132086b3376787137616238ffffffffffffffffff012206707974686f6e2a03"
                    + "302e37",
                1,
                .connect(
                    CentrifugeConnect(
                        token: "t",
                        subscriptions: [
                            CentrifugeSubscribe(
                                channel: "é", recover: true, position: StreamPosition(offset: .max, epoch: "k3vxq7ab"))
                        ]))
            ),
            (
                "08ac022a1a0a06636861743a311203746f6b18013201783805480150015801", 300,
                .subscribe(CentrifugeSubscribe(channel: "chat:1", token: "tok", recover: true, position: position))
            ),
            ("080332030a0161", 3, .unsubscribe(channel: "a")),
            (
                "08043a0f0a0161120a7b226b223a205b315d7d", 4,
                .publish(channel: "a", data: ByteBuffer(string: #"{"k": [1]}"#))
            ),
            ("080542030a0161", 5, .presence(channel: "a")), ("08064a030a0161", 6, .presenceStats(channel: "a")),
            (
                "080752170a016138ffffffffffffffffff01420508031201654801", 7,
                .history(
                    CentrifugeHistory(
                        channel: "a", limit: -1, since: StreamPosition(offset: 3, epoch: "e"), reverse: true))
            ),
            ("08085a00", 8, .ping), ("62030a0131", 0, .send), ("08096a070a027b7d12016d", 9, .rpc),
            ("080a72030a0174", 10, .refresh(token: "t")),
            ("08ffffffff0f7a060a0161120174", .max, .subRefresh(channel: "a", token: "t")), ("", 0, .pong),
        ] as [(String, UInt32, CentrifugeCommand.Method)])
    func commands(bytes: String, id: UInt32, method: CentrifugeCommand.Method) throws {
        let command = ByteBuffer(bytes: Hexadecimal.bytes(bytes))
        let read = try CentrifugeProtobufDecoder.command(command, maxSubscriptions: 1)
        #expect(read == CentrifugeCommand(id: id, method: method))
    }

    /// What a client gets: the reply and before it its length, which is below 128.
    private func expect(_ body: Body, _ bytes: String, _ location: SourceLocation = #_sourceLocation) {
        #expect(body.kind == .binary, sourceLocation: location)
        let length = Hexadecimal.text([UInt8(bytes.utf8.count / 2)])
        #expect(Hexadecimal.text(body.bytes.readableBytesView) == length + bytes, sourceLocation: location)
    }

    @Test("pushes are written as SDKs expect")
    func pushes() throws {
        typealias Encoder = CentrifugeProtobufEncoder
        let channel = try ChannelName("a")
        let publication = Publication(
            channel: channel, payload: Payload(text: #"{"k":1}"#), position: StreamPosition(offset: 7, epoch: "e"))
        expect(Encoder.publicationPush(publication), "2210120161220b22077b226b223a317d3007")
        let info = ClientInfo(client: "c", user: "u", connInfo: ByteBuffer(string: #"{"n":1}"#))
        expect(
            Encoder.presencePush(PresenceEvent(channel: channel, kind: .join, info: info)),
            "22161201612a110a0f0a01751201631a077b226e223a317d")
        let other = ClientInfo(client: "c", chanInfo: ByteBuffer(string: "{}"))
        expect(
            Encoder.presencePush(PresenceEvent(channel: channel, kind: .leave, info: other)),
            "220e12016132090a0712016322027b7d")
        expect(
            Encoder.unsubscribePush(channel, code: 2_500, reason: "insufficient state"),
            "221c1201613a1710c4131a12696e73756666696369656e74207374617465")
        expect(Encoder.ping, "")
    }

    @Test("replies are written as SDKs expect")
    func replies() throws {
        typealias Encoder = CentrifugeProtobufEncoder
        let channel = try ChannelName("a")
        let one = Publication(
            channel: channel, payload: Payload(text: "1"), position: StreamPosition(offset: 1, epoch: "e"))
        let two = Publication(
            channel: channel, payload: Payload(kind: .binary, bytes: ByteBuffer(bytes: [0xFF, 0])),
            position: StreamPosition(offset: 2, epoch: "e"))
        var result = CentrifugeSubscribeResult(position: StreamPosition(offset: 300, epoch: "e"), isRecoverable: true)
        expect(
            Encoder.connectReply(
                id: 1, client: "c", version: "v", node: "n", ping: 25, ttl: 60, subscriptions: [(channel, result)]),
            "08012a220a01631201761801203c320f0a0161120a180132016548ac0250013819400152016e")
        result = CentrifugeSubscribeResult(
            position: two.position, isRecoverable: true, wasRecovering: true, isRecovered: true,
            publications: [one, two])
        expect(
            Encoder.subscribeReply(id: 2, result),
            "0802321c18013201653a0522013130013a062202ff0030024001480250016001")
        expect(
            Encoder.historyReply(id: 3, publications: [one], position: StreamPosition(offset: 2, epoch: "e")),
            "08035a0c0a0522013130011201651802")
        expect(
            Encoder.presenceReply(id: 4, [ClientInfo(client: "c", user: "u")]), "08044a0d0a0b0a016312060a0175120163")
        expect(Encoder.presenceStatsReply(id: 5, clients: 2, users: 1), "0805520408021001")
        expect(Encoder.refreshReply(id: 6, client: "c", version: "v", ttl: 60), "0806720a0a01631201761801203c")
        expect(Encoder.subRefreshReply(id: 7, ttl: nil), "08077a00")
        expect(Encoder.emptyReply(id: 8, method: .publish), "08084200")
        expect(
            Encoder.errorReply(id: 9, .tooManyRequests(retryAfter: 340)),
            "08091217086f1211746f6f206d616e792072657175657374731801")
    }

    @Test("a message of plain data fits the room that is made for it at once", arguments: [0, 1, 127, 1_000, 60_000])
    func room(count: Int) throws {
        let publication = Publication(
            channel: try ChannelName(String(repeating: "c", count: 255)),
            payload: Payload(text: String(repeating: "x", count: count)),
            position: StreamPosition(offset: .max, epoch: "e"))
        let bytes = CentrifugeProtobufEncoder.publicationPush(publication).bytes
        #expect(bytes.storageCapacity < 2 * (bytes.readableBytes + 64))
    }

    @Test("a publication is encoded once for all clients in Protobuf, in a binary frame, and compressed once")
    func frames() throws {
        let formats = FormatTable(compressionThreshold: 64)
        for format in [WireFormat.centrifugeProtobufWebSocket, .centrifugeProtobufWebSocketDeflate] {
            formats.acquire(format)
        }
        let publication = Publication(
            channel: try ChannelName("a"), payload: Payload(text: String(repeating: "x", count: 1_000)))
        let prepared = PreparedPublication(publication, formats: formats, receivedAt: 0)
        var frame = prepared.frame(.centrifugeProtobufWebSocket)
        #expect(frame == WebSocketFraming().seal(CentrifugeProtobufEncoder.publicationPush(publication)))
        let again = prepared.frame(.centrifugeProtobufWebSocket)
        let places = [frame, again].map { $0.withUnsafeReadableBytes { $0.baseAddress } }
        #expect(places[0] == places[1])
        #expect(frame.readInteger(as: UInt8.self) == 0x82)
        var deflated = prepared.frame(.centrifugeProtobufWebSocketDeflate)
        #expect(deflated.readableBytes < 100 && deflated.readInteger(as: UInt8.self) == 0xC2)
    }
}
