import FanfareWire
import NIOCore
import Testing

@testable import FanfareProtocols

@Suite("Publications as events of Socket.IO")
struct SocketIOEventTests {
    private func publication(_ payload: Payload, _ position: StreamPosition? = nil) throws -> Publication {
        Publication(channel: try ChannelName("news"), payload: payload, position: position)
    }

    private func packet(_ text: String, _ namespace: ExactText = "/", isGuarded: Bool = false) throws -> String {
        SocketIOCodec(namespace: namespace, isGuarded: isGuarded).body(try publication(Payload(text: text))).text
    }

    @Test("a payload that names an event is that event, any other is one argument of 'message'")
    func events() throws {
        #expect(try packet("{\"event\":\"news\",\"args\":[1,{\"a\":2}]}") == "2[\"news\",1,{\"a\":2}]")
        #expect(try packet("{\"args\":[],\"event\":\"news\"}") == "2[\"news\"]")
        #expect(try packet("{\"event\":\"news\",\"args\":[ ]}") == "2[\"news\"]")
        #expect(try packet("{\"a\":1}") == "2[\"message\",{\"a\":1}]")
        #expect(try packet("hello") == "2[\"message\",\"hello\"]")
        #expect(try packet("7") == "2[\"message\",7]")
        #expect(try packet("{\"event\":\"news\",\"args\":[]}", "/chat") == "2/chat,[\"news\"]")
    }

    @Test(
        "what is nearly an event is an argument",
        arguments: [
            "{\"event\":\"news\"}", "{\"event\":7,\"args\":[]}", "{\"event\":\"news\",\"args\":{}}",
            "{\"event\":\"news\",\"args\":[],\"more\":1}", "{\"event\":\"connect\",\"args\":[]}",
            "{\"event\":\"disc\\u006fnnect\",\"args\":[]}", "{\"event\":\"a\",\"event\":\"b\",\"args\":[]}",
        ])
    func nearly(_ text: String) throws {
        #expect(try packet(text) == "2[\"message\",\(text)]")
    }

    @Test("bytes are an attachment")
    func binary() throws {
        let bytes = ByteBuffer(bytes: [0, 255])
        let body = SocketIOCodec(namespace: "/chat", isGuarded: true)
            .body(try publication(Payload(kind: .binary, bytes: bytes)))
        #expect(body.text == "51-/chat,[\"message\",{\"_placeholder\":true,\"num\":0}]")
        #expect(body.attachments == [bytes])
    }

    @Test("where clients take a last string for an offset, null follows one that is none")
    func guarded() throws {
        #expect(try packet("hello", isGuarded: true) == "2[\"message\",\"hello\",null]")
        #expect(try packet("{\"event\":\"e\",\"args\":[1,\"x\" ]}", isGuarded: true) == "2[\"e\",1,\"x\" ,null]")
        #expect(try packet("{\"event\":\"e\",\"args\":[]}", isGuarded: true) == "2[\"e\",null]")
        // The name is last there, and the official client takes it.
        let none = SocketIOSharedEvent(try publication(Payload(text: "{\"event\":\"e\",\"args\":[]}")))
        #expect(none.packet("/", offset: "1.k/a", isGuarded: true).text == "2[\"e\",\"1.k/a\"]")
        #expect(try packet("{\"a\":\"x\"}", isGuarded: true) == "2[\"message\",{\"a\":\"x\"}]")
    }

    @Test(
        "what clients share is read as it was written",
        arguments: [
            Payload(text: "hello"), Payload(text: "{\"event\":\"e\",\"args\":[\"x\"]}"),
            Payload(kind: .binary, bytes: ByteBuffer(bytes: [1, 2, 3])), Payload(kind: .binary, bytes: ByteBuffer()),
        ])
    func shared(_ payload: Payload) throws {
        for position in [nil, StreamPosition(offset: 42, epoch: "k3vxq7ab")] {
            let event = SocketIOSharedEvent(try publication(payload, position))
            #expect(SocketIOSharedEvent(shared: event.body.bytes) == event)
        }
        #expect(SocketIOSharedEvent(shared: ByteBuffer(bytes: [0])) == nil)
    }

    @Test("an offset says all channels, and reads as it was written")
    func offsets() throws {
        let items = [
            SocketIOOffset.Item(channel: try ChannelName("news"), position: .init(offset: 42, epoch: "k3vxq7ab")),
            .init(channel: try ChannelName("chat:1/a"), position: .init(offset: 7, epoch: "k3vxq7ab")),
            .init(channel: try ChannelName("lobby"), position: nil),
            .init(channel: try ChannelName("x"), position: .init(offset: 1, epoch: "b")),
        ]
        let text = SocketIOOffset(items).text
        #expect(text == "42.k3vxq7ab/news,7/chat:1/a,/lobby,1.b/x")
        #expect(SocketIOOffset(text, maxChannelNameBytes: 255)?.items == items)
        #expect(SocketIOOffset("", maxChannelNameBytes: 255)?.items == [])
        let many = (0..<200).map {
            SocketIOOffset.Item(channel: items[0].channel, position: .init(offset: $0, epoch: "k"))
        }
        #expect(SocketIOOffset(many).text == SocketIOOffset.none)
        for number in [0, 9, 10, 99, 100, UInt64.max] {
            let item = SocketIOOffset.Item(channel: items[0].channel, position: .init(offset: number, epoch: "k"))
            #expect(SocketIOOffset([item]).text == "\(number).k/news")
        }
        let none = SocketIOOffset.Item(channel: items[0].channel, position: nil)
        // 5 bytes each, and commas between them.
        #expect(SocketIOOffset(Array(repeating: none, count: 170)).text.utf8.count == 1_019)
        #expect(SocketIOOffset(Array(repeating: none, count: 171)).text == SocketIOOffset.none)
        for text in ["-", "a", "7/x", "1.k/", "1.k/x,", ",", "1.k/x,1.k/x", "01.k/x", "1.k/a b"] {
            #expect(SocketIOOffset(text, maxChannelNameBytes: 255) == nil, "\(text)")
        }
    }
}
