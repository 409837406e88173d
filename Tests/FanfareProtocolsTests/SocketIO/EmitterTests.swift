import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore
@testable import FanfareProtocols

@Suite("Emitters of Socket.IO")
struct EmitterTests {
    private let redis = RedisEmitter(key: "socket.io")
    private let python = PythonEmitter(channels: ["socketio"])

    /// MessagePack, as far as emitters need it.
    indirect enum Pack: Sendable {
        case text(String)
        case number(UInt8)
        case bytes([UInt8])
        case null
        case list([Pack])
        case map([(String, Pack)])
        case raw([UInt8])

        var encoded: [UInt8] {
            switch self {
            case .text(let text): [0xD9, UInt8(text.utf8.count)] + Array(text.utf8)
            case .number(let number): [0xCC, number]
            case .bytes(let bytes): [0xC4, UInt8(bytes.count)] + bytes
            case .null: [0xC0]
            case .list(let items): [0xDC, UInt8(items.count >> 8), UInt8(items.count & 255)] + items.flatMap(\.encoded)
            case .map(let items):
                [0xDE, 0, UInt8(items.count)] + items.flatMap { Pack.text($0.0).encoded + $0.1.encoded }
            case .raw(let bytes): bytes
            }
        }
    }

    private func message(_ data: [Pack], _ options: Pack? = .map([])) -> ByteBuffer {
        let packet = Pack.map([("type", .number(2)), ("data", .list(data)), ("nsp", .text("/"))])
        return ByteBuffer(bytes: Pack.list([.text("emitter"), packet] + (options.map { [$0] } ?? [])).encoded)
    }

    private func event(_ channel: String, _ message: ByteBuffer) throws -> EmitterEvent {
        guard case .emit(let event) = try redis.read(channel, message) else { throw EmitterError("no event") }
        return event
    }

    @Test("an event has a namespace, arguments as JSON with their bytes behind it, rooms and rooms that are left out")
    func events() throws {
        let options = Pack.map([
            ("rooms", .list([.text("a"), .text("b")])), ("except", .list([.text("c")])),
            ("flags", .map([("volatile", .raw([0xC3]))])),
        ])
        let data: [Pack] = [
            .text("news"), .number(1), .map([("x", .list([.bytes([0, 255]), .null]))]),
            .raw([0xCB, 0x7F, 0xF0, 0, 0, 0, 0, 0, 0]),
        ]
        let event = try event("socket.io#/#", message(data, options))
        #expect(
            String(buffer: event.payload)
                == #"{"event":"news","args":[1,{"x":[{"_placeholder":true,"num":0},null]},null],"binary":["AP8="]}"#)
        #expect(event.namespace == "/" && event.rooms == ["a", "b"] && event.except == ["c"] && event.share == nil)
    }

    @Test("what notepack writes as extensions: undefined, a Date, bytes of typed arrays")
    func extensions() throws {
        let data: [Pack] = [
            .text("e"), .raw([0xD4, 0, 0]), .raw([0xD7, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            .raw([0xD7, 0] + withUnsafeBytes(of: Int64(1_582_980_245_678).bigEndian, Array.init)),
            .raw([0xD5, 0, 1, 2]),
        ]
        #expect(
            String(buffer: try event("socket.io#/#", message(data)).payload)
                == #"{"event":"e","args":[null,"1970-01-01T00:00:00.000Z","2020-02-29T12:44:05.678Z","#
                + #"{"_placeholder":true,"num":0}],"binary":["AQI="]}"#)
    }

    @Test("what notepack 3 writes as extensions: a Date is MessagePack's timestamp, of 32, 64 or 96 bits")
    func timestamps() throws {
        let (wide, precise) = ([0xC7, 12, 0xFF] as [UInt8], (678_000_000 as UInt64) << 34 | 1_582_980_245)
        let data: [Pack] = [
            .text("e"), .raw([0xD6, 0xFF, 0x39, 0x45, 0x79, 0x80]),
            .raw([0xD7, 0xFF] + withUnsafeBytes(of: precise.bigEndian, Array.init)),
            .raw(wide + [0, 0, 0, 0] + withUnsafeBytes(of: Int64(-86_400).bigEndian, Array.init)),
        ]
        #expect(
            String(buffer: try event("socket.io#/#", message(data)).payload)
                == #"{"event":"e","args":["2000-06-13T00:00:00.000Z","2020-02-29T12:44:05.678Z","#
                + #""1969-12-31T00:00:00.000Z"]}"#)
        for seconds in [9_400_000_000_000, .max, .min] as [Int64] {
            let far = Pack.raw(wide + [0, 0, 0, 0] + withUnsafeBytes(of: seconds.bigEndian, Array.init))
            #expect(throws: EmitterError.self) { try event("socket.io#/#", message([.text("e"), far])) }
        }
        for bytes in [[0xD5, 0xFF, 1, 2], [0xD7, 0xFF] + Array(repeating: 0xFF, count: 8)] as [[UInt8]] {
            #expect(throws: EmitterError.self) { try event("socket.io#/#", message([.text("e"), .raw(bytes)])) }
        }
    }

    @Test(
        "what emitters of other languages do differently is taken",
        arguments: [
            ("socket.io#/#room#", nil, ["room"], nil), ("socket.io#/#room", .map([]), ["room"], nil),
            ("socket.io#emitter", nil, [], nil), ("socket.io#/#", .text(""), [], nil),
            ("socket.io#/#", Pack.null, [], nil),
            ("socket.io#/#", .map([("rooms", .text("")), ("except", .null)]), [], nil),
            // One message for each room, all with all rooms.
            ("socket.io#/#b#", .map([("rooms", .list([.text("a"), .text("b")]))]), ["a", "b"], "b"),
        ] as [(String, EmitterTests.Pack?, [String], String?)])
    func dialects(channel: String, options: Pack?, rooms: [String], share: String?) throws {
        let event = try event(channel, message([.text("e")], options))
        #expect(event.rooms.map(\.string) == rooms && event.share?.string == share)
    }

    @Test("hostile messages are refused: depth, lengths, extensions, rooms, forms")
    func hostile() {
        let many = Pack.list((0..<2_000).map { .text("r\($0)") })
        let messages: [ByteBuffer] = [
            ByteBuffer(), ByteBuffer(bytes: [0xC1]), ByteBuffer(bytes: [0x93, 0xA0]), ByteBuffer(bytes: [0x80]),
            ByteBuffer(bytes: [0xDD, 0xFF, 0xFF, 0xFF, 0xFF]), ByteBuffer(bytes: [0x91, 0x01]),
            message([]), message([.number(1)]), message([.text("connect")]),
            message([.text("e"), .raw(Array(repeating: 0x91, count: 100_000) + [0xC0])]),
            message([.text("e"), .raw([0xD4, 1, 1])]), message([.text("e"), .raw([0xDF, 0xFF, 0xFF, 0xFF, 0xFF])]),
            message([.text("e"), .raw([0x81, 0xC0, 0xC0])]), message([.text("e"), .raw([0xA1, 0xFF])]),
            message([.text("e"), .map([("_placeholder", .raw([0xC3])), ("num", .number(0))])]),
            message([.text("e")] + (0..<11).map { .bytes([$0]) }), message([.text("e")], .map([("rooms", many)])),
            message([.text("e")], .map([("rooms", .list([.null]))])), message([.text("e")], .number(1)),
        ]
        for message in messages {
            #expect(throws: EmitterError.self, "\(message)") { try redis.read("socket.io#/#", message) }
        }
        #expect((try? redis.read("elsewhere#/#", ByteBuffer())) == .some(nil))
    }

    @Test("requests join, leave and disconnect; what servers ask each other is passed over")
    func requests() throws {
        func read(_ text: String) throws -> EmitterMessage? {
            try redis.read("socket.io-request#/chat#", ByteBuffer(string: text))
        }
        #expect(
            try read(#"{"type":2,"opts":{"rooms":["a"],"except":["b"]},"rooms":["c"]}"#)
                == .request(EmitterRequest(namespace: "/chat", action: .join(["c"]), rooms: ["a"], except: ["b"])))
        #expect(
            try read(#"{"type":3,"opts":{"rooms":null},"rooms":["c","d"]}"#)
                == .request(EmitterRequest(namespace: "/chat", action: .leave(["c", "d"]), rooms: [], except: [])))
        #expect(
            try read(#"{"type":4,"opts":{"rooms":["a"]},"close":true}"#)
                == .request(
                    EmitterRequest(namespace: "/chat", action: .disconnect(close: true), rooms: ["a"], except: [])))
        for text in [#"{"type":0,"uid":"x"}"#, #"{"type":6,"uid":"x","data":[]}"#, "\u{93}"] {
            #expect(try read(text) == .ignored)
        }
        for text in ["{", "{}", #"{"type":"2"}"#, #"{"type":2,"opts":1}"#, #"{"type":2,"rooms":[null]}"#] {
            #expect(throws: EmitterError.self, "\(text)") { try read(text) }
        }
    }

    @Test("python-socketio: arguments, attachments, rooms; older data is one argument, and a pickle is never read")
    func pythons() throws {
        func payload(_ members: String) throws -> String {
            let text = #"{"method":"emit","event":"e","namespace":"/","host_id":"h",\#(members)}"#
            guard case .emit(let event) = try python.read("socketio", ByteBuffer(string: text)) else { return "" }
            return String(buffer: event.payload)
        }
        #expect(try payload(#""data":[1,"x"],"binary":false"#) == #"{"event":"e","args":[1,"x"]}"#)
        #expect(try payload(#""data":[],"binary":false"#) == #"{"event":"e","args":[]}"#)
        #expect(try payload(#""data":[1,2]"#) == #"{"event":"e","args":[[1,2]]}"#)
        #expect(try payload(#""data":{"a":1},"callback":["r","/",1]"#) == #"{"event":"e","args":[{"a":1}]}"#)
        #expect(
            try payload(#""data":[[{"_placeholder":true,"num":0}],"AP8="],"binary":true"#)
                == #"{"event":"e","args":[{"_placeholder":true,"num":0}],"binary":["AP8="]}"#)
        let hostile = [
            #""data":[[{"_placeholder":true,"num":1}],"AP8="],"binary":true"#, #""data":[[],"!"],"binary":true"#,
            #""data":1,"room":{}"#,
            #""data":\#(String(repeating: "[", count: 100) + String(repeating: "]", count: 100))"#,
        ]
        for members in hostile {
            #expect(throws: EmitterError.self, "\(members)") { try payload(members) }
        }
        #expect(throws: EmitterError.self) { try python.read("socketio", ByteBuffer(bytes: [0x80, 4, 0x95])) }
        let request = #"{"method":"enter_room","sid":"s","room":"a","namespace":"/","host_id":"h"}"#
        #expect(
            try python.read("socketio", ByteBuffer(string: request))
                == .request(EmitterRequest(namespace: "/", action: .join(["a"]), rooms: ["s"], except: [])))
        #expect(try python.read("socketio", ByteBuffer(string: #"{"method":"callback"}"#)) == .ignored)
        #expect(throws: EmitterError.self) {
            try python.read("socketio", ByteBuffer(string: #"{"method":"enter_room","room":"a"}"#))
        }
    }

    @Test("an event for several rooms is a publication in each, not for those who hear it in one before")
    func shares() throws {
        let rules = ChannelRulebook(namespaces: ["chat": ChannelRules()])
        var event = EmitterEvent(
            namespace: "/chat", payload: ByteBuffer(string: "{}"), rooms: ["a", "b", "a", "~234567890123456789z"],
            except: ["c"])
        func names(_ event: EmitterEvent) throws -> [[String]] {
            try event.shares(rules, limit: 64).map { [$0.channel.string] + $0.unless.map(\.string) }
        }
        #expect(
            try names(event) == [
                ["chat:a", "chat:c"], ["chat:b", "chat:c", "chat:a"],
                ["$~234567890123456789z", "chat:c", "chat:a", "chat:b"],
            ])
        event.share = "b"
        #expect(try names(event) == [["chat:b", "chat:c", "chat:a"]])
        (event.rooms, event.share) = ([], nil)
        #expect(try names(event) == [["$socket.io/chat", "chat:c"]])
        event.namespace = "/"
        #expect(try names(event)[0][0] == "$socket.io")
        for (namespace, room) in [("/other", "a"), ("chat", "a"), ("/", "x y"), ("/", "other:a"), ("/", "")] {
            (event.namespace, event.rooms) = (ExactText(namespace), [ExactText(room)])
            #expect(throws: EmitterError.self, "\(namespace) \(room)") { try names(event) }
        }
        // What is recovered is not hidden by what is not.
        var (kept, newest) = (ChannelRules(), ChannelRules())
        (kept.recovery, newest.recovery) = (.stream, .cache)
        let rulesOfTwo = ChannelRulebook(namespaces: ["kept": kept, "newest": newest])
        (event.namespace, event.rooms, event.except) = ("/", ["a", "newest:a", "kept:b", "b", "kept:a"], [])
        #expect(
            try event.shares(rulesOfTwo, limit: 64).map(\.channel.string)
                == ["kept:b", "kept:a", "newest:a", "a", "b"])
        // Each room's publication names those before it.
        (event.namespace, event.rooms) = ("/", (0..<1_000).map { ExactText("a-room-with-a-long-name-\($0)") })
        #expect(throws: EmitterError.self) { try names(event) }
    }
}
