import FanfareProtocols
import NIOCore
import Testing

@testable import FanfareWire

@Suite("Client info")
struct ClientInfoTests {
    @Test("what is written is read again, in one line")
    func roundTrip() throws {
        let infos = [
            ClientInfo(client: "1"), ClientInfo(client: "ä\"\\\n", user: "u\u{1}"),
            ClientInfo(
                client: "2", user: "ann", connInfo: ByteBuffer(string: "{\n\"a\": [1,\r\n2]}"),
                chanInfo: ByteBuffer(string: "null")),
        ]
        for info in infos {
            let json = info.json
            #expect(!json.readableBytesView.contains { $0 == 0x0A || $0 == 0x0D })
            let read = try #require(ClientInfo(json: json))
            #expect(read.client == info.client && read.user == info.user)
            #expect((read.connInfo == nil) == (info.connInfo == nil))
        }
        #expect(String(buffer: infos[0].json) == #"{"user":"","client":"1"}"#)
        #expect(
            String(buffer: infos[2].json)
                == #"{"user":"ann","client":"2","conn_info":{ "a": [1,  2]},"chan_info":null}"#)
    }

    @Test(
        "what no node wrote is refused",
        arguments: ["", "nonsense", "[]", "{}", #"{"client":""}"#, #"{"client":1}"#, #"{"user":"u"}"#])
    func foreign(text: String) {
        #expect(ClientInfo(json: ByteBuffer(string: text)) == nil)
    }

    @Test("too much info is refused, as much as there may be is not")
    func limit() {
        for (count, isTaken) in [(ClientInfo.maximumInfoBytes - 2, true), (ClientInfo.maximumInfoBytes - 1, false)] {
            let info = "\"" + String(repeating: "x", count: count) + "\""
            for field in ["conn_info", "chan_info"] {
                let read = ClientInfo(json: ByteBuffer(string: "{\"client\":\"1\",\"\(field)\":\(info)}"))
                #expect((read != nil) == isTaken)
            }
        }
    }

    @Test("info that is nested deeper than 64 is refused, as deep as any may be is not")
    func depth() {
        for (depth, isTaken) in [(64, true), (65, false), (1_000, false)] {
            let info = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            for field in ["conn_info", "chan_info"] {
                let read = ClientInfo(json: ByteBuffer(string: "{\"client\":\"1\",\"\(field)\":\(info)}"))
                #expect((read != nil) == isTaken, "\(field) of depth \(depth)")
            }
        }
    }

    @Test("a join and a leave read as the protocol has them, and are nothing to raw clients")
    func events() throws {
        let info = ClientInfo(client: "1", user: "ann", connInfo: ByteBuffer(string: "7"))
        for (kind, name) in [(PresenceEvent.Kind.join, "join"), (.leave, "leave")] {
            let event = PresenceEvent(channel: try ChannelName("a\"b"), kind: kind, info: info)
            let prepared = PreparedPresenceEvent(event, formats: FormatTable())
            #expect(prepared.frame(.rawWebSocket) == nil)
            let frame = try #require(prepared.frame(.centrifugeJSONWebSocket))
            let text = #"{"push":{"channel":"a\"b","NAME":{"info":{"user":"ann","client":"1","conn_info":7}}}}"#
                .replacing("NAME", with: name)
            #expect(frame == WebSocketFrame.encode(.text, payload: ByteBuffer(string: text)))
        }
    }

    @Test("replies read as the protocol has them")
    func replies() {
        let members = [ClientInfo(client: "1", user: "ann"), ClientInfo(client: "2")]
        let presence =
            #"{"id":7,"presence":{"presence":{"1":{"user":"ann","client":"1"},"2":{"user":"","client":"2"}}}}"#
        #expect(CentrifugeJSONEncoder.presenceReply(id: 7, members) == Body(Payload(text: presence)))
        #expect(
            CentrifugeJSONEncoder.presenceReply(id: 7, [])
                == Body(Payload(text: #"{"id":7,"presence":{"presence":{}}}"#)))
        let stats = #"{"id":8,"presence_stats":{"num_clients":3,"num_users":2}}"#
        #expect(CentrifugeJSONEncoder.presenceStatsReply(id: 8, clients: 3, users: 2) == Body(Payload(text: stats)))
    }
}
