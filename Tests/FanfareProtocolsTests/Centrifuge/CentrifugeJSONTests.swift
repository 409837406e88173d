import Foundation
import NIOCore
import Testing

@testable import FanfareProtocols
@testable import FanfareWire

@Suite("Centrifuge JSON")
struct CentrifugeJSONTests {
    private func decode(_ text: String, max: Int = 64) throws(CentrifugeDecodeError) -> [CentrifugeCommand] {
        try CentrifugeJSONMessage(ByteBuffer(string: text), maxCommands: max).commands()
    }

    /// The JSON in a text frame of ours.
    private func object(_ body: Body) throws -> [String: Any] {
        #expect(body.kind == .text)
        #expect(!body.bytes.readableBytesView.contains(0x0A), "a line break would split the message")
        let object = try JSONSerialization.jsonObject(with: Data(body.bytes.readableBytesView))
        return try #require(object as? [String: Any])
    }

    @Test("every command of the protocol is read")
    func commands() throws {
        let text = """
            {"id":1,"connect":{"token":"t","name":"js","version":"1"}}
            {"id":2,"subscribe":{"channel":"a","recover":true,"epoch":"x","offset":5}}

            {"id":3,"publish":{"channel":"a","data":{"k": [1, 2]}}}
            {}
            {"id":4,"unsubscribe":{"channel":"a"}}
            {"id":5,"presence":{"channel":"a"}}
            {"id":6,"presence_stats":{"channel":"a"}}
            {"id":7,"history":{"channel":"a","limit":10}}
            {"send":{"data":1}}
            {"id":8,"rpc":{"method":"m","data":{}}}
            {"id":9,"refresh":{"token":"t"}}
            {"id":10,"sub_refresh":{"channel":"a","token":"t"}}
            {"id":11,"ping":{}}
            """
        let commands = try decode(text)
        #expect(commands.map(\.id) == [1, 2, 3, 0, 4, 5, 6, 7, 0, 8, 9, 10, 11])
        #expect(
            commands.map(\.method) == [
                .connect(token: "t"),
                .subscribe(
                    CentrifugeSubscribe(channel: "a", recover: true, position: StreamPosition(offset: 5, epoch: "x"))),
                .publish(channel: "a", data: ByteBuffer(string: #"{"k": [1, 2]}"#)), .pong, .unsubscribe(channel: "a"),
                .presence(channel: "a"), .presenceStats(channel: "a"),
                .history(CentrifugeHistory(channel: "a", limit: 10)),
                .send, .rpc, .refresh(token: "t"), .subRefresh(channel: "a", token: "t"), .ping,
            ])
    }

    @Test("what is no command is refused with its reason")
    func refusals() {
        #expect(throws: CentrifugeDecodeError.notAnObject) { try decode("") }
        #expect(throws: CentrifugeDecodeError.notAnObject) { try decode("[]") }
        #expect(throws: CentrifugeDecodeError.notAnObject) { try decode("{} {}") }
        #expect(throws: CentrifugeDecodeError.notAnObject) { try decode("{\"id\":1") }
        #expect(throws: CentrifugeDecodeError.methods(count: 0)) { try decode(#"{"id":1}"#) }
        #expect(throws: CentrifugeDecodeError.methods(count: 2)) { try decode(#"{"id":1,"connect":{},"ping":{}}"#) }
        #expect(throws: CentrifugeDecodeError.field("id")) { try decode(#"{"connect":{}}"#) }
        #expect(throws: CentrifugeDecodeError.field("id")) { try decode(#"{"id":-1,"connect":{}}"#) }
        #expect(throws: CentrifugeDecodeError.field("connect")) { try decode(#"{"id":1,"connect":[]}"#) }
        #expect(throws: CentrifugeDecodeError.field("channel")) { try decode(#"{"id":1,"subscribe":{"channel":5}}"#) }
        #expect(throws: CentrifugeDecodeError.field("data")) { try decode(#"{"id":1,"publish":{"channel":"a"}}"#) }
        #expect(throws: CentrifugeDecodeError.tooManyCommands(limit: 2)) { try decode("{}\n{}\n{}", max: 2) }
    }

    @Test(
        "a publication's data leaves as its payload says",
        arguments: [
            (Payload(text: #"{"a": 1}"#), #"{"a":1}"#), (Payload(text: "[1,\n 2]\r\n"), "[1,2]"),
            (Payload(text: "plain \"text\"\n"), #""plain \"text\"\n""#),
            (Payload(text: ""), #""""#),
            (Payload(kind: .binary, bytes: ByteBuffer(bytes: [0, 255])), #"{"base64":"AP8="}"#),
        ])
    func publication(payload: Payload, expected: String) throws {
        let body = CentrifugeJSONEncoder.publicationPush(
            Publication(channel: try ChannelName("ch\"1"), payload: payload))
        let push = try #require(try object(body)["push"] as? [String: Any])
        #expect(push["channel"] as? String == "ch\"1")
        let data = try #require((push["pub"] as? [String: Any])?["data"])
        let json = try JSONSerialization.data(
            withJSONObject: data, options: [.fragmentsAllowed, .withoutEscapingSlashes])
        #expect(String(decoding: json, as: UTF8.self) == expected)
    }

    @Test("bodies of every size are whole", arguments: [0, 50, 70, 100, 65_000, 66_000, 70_000])
    func sizes(size: Int) throws {
        let payload = Payload(text: String(repeating: "x", count: size))
        let body = CentrifugeJSONEncoder.publicationPush(Publication(channel: try ChannelName("c"), payload: payload))
        let push = try #require(try object(body)["push"] as? [String: Any])
        #expect(((push["pub"] as? [String: Any])?["data"] as? String)?.count == size)
    }

    @Test("replies read as SDKs expect")
    func replies() throws {
        let connect = try object(
            CentrifugeJSONEncoder.connectReply(id: 1, client: "c", version: "v", node: "n", ping: 25))
        #expect(connect["id"] as? Int == 1)
        let result = try #require(connect["connect"] as? [String: Any])
        #expect(result["ping"] as? Int == 25 && result["pong"] as? Bool == true && result["node"] as? String == "n")
        let quiet = try object(
            CentrifugeJSONEncoder.connectReply(id: 1, client: "c", version: "v", node: "n", ping: nil))
        #expect((quiet["connect"] as? [String: Any])?["ping"] == nil)
        let error = try object(CentrifugeJSONEncoder.errorReply(id: 7, .internalError("it \"broke\"")))
        let body = try #require(error["error"] as? [String: Any])
        #expect(error["id"] as? Int == 7 && body["code"] as? Int == 100 && body["temporary"] as? Bool == true)
        #expect(body["message"] as? String == "it \"broke\"")
        #expect(try object(CentrifugeJSONEncoder.emptyReply(id: 3, method: .subscribe))["subscribe"] != nil)
        #expect(try object(CentrifugeJSONEncoder.ping).isEmpty)
    }
}
