import FanfareTestKit
import NIOCore
import Testing

@testable import FanfareProtocols
@testable import FanfareWire

/// What clients send that is unusual, hostile or half broken.
@Suite("Centrifuge JSON from clients")
struct CentrifugeDecodingTests {
    private func decode(_ text: String, max: Int = 64) throws(CentrifugeDecodeError) -> [CentrifugeCommand] {
        try CentrifugeJSONMessage(ByteBuffer(string: text), maxCommands: max).commands()
    }

    @Test("null is the same as absent, as in the protocol's schema")
    func null() throws {
        let all = #"{"id":1,"connect":{"token":null,"data":null},"subscribe":null,"publish":null}"#
        #expect(try decode(all) == [.init(id: 1, method: .connect(token: nil))])
        #expect(throws: CentrifugeDecodeError.methods(count: 0)) { try decode(#"{"id":1,"connect":null}"#) }
        #expect(throws: CentrifugeDecodeError.field("channel")) {
            try decode(#"{"id":1,"subscribe":{"channel":null}}"#)
        }
    }

    @Test("a publish of null is a publication of null")
    func publishNull() throws {
        let commands = try decode(#"{"id":1,"publish":{"channel":"a","data":null}}"#)
        #expect(commands == [.init(id: 1, method: .publish(channel: "a", data: ByteBuffer(string: "null")))])
    }

    @Test(
        "a token that is no text is an error and not an anonymous client",
        arguments: [
            "5", "{}", "true", "[\"t\"]", #""\ud800""#,
        ])
    func token(value: String) {
        #expect(throws: CentrifugeDecodeError.field("token")) { try decode(#"{"id":1,"connect":{"token":\#(value)}}"#) }
    }

    @Test("fields that nobody knows are passed over, wherever they are and whatever they hold")
    func unknown() throws {
        let text = #"{"x":[{"connect":{}}],"id":7,"y":{"id":9},"subscribe":{"tg":{"op":"a"},"channel":"c","flag":1}}"#
        #expect(try decode(text) == [.init(id: 7, method: .subscribe(channel: "c"))])
    }

    @Test("keys and channels may be escaped")
    func escapes() throws {
        let text = #"{"\u0069d":7,"subscr\u0069be":{"channel":"\ud83d\ude00\u002f"}}"#
        #expect(try decode(text) == [.init(id: 7, method: .subscribe(channel: "😀/"))])
    }

    @Test("the same method twice is two methods")
    func duplicates() {
        #expect(throws: CentrifugeDecodeError.methods(count: 2)) { try decode(#"{"id":1,"ping":{},"ping":{}}"#) }
    }

    @Test(
        "lines end with LF or CRLF, and empty ones don't count",
        arguments: [
            "{}\n{}", "{}\r\n{}\r\n", "\n\n{}\n \t\n{}\n\n", " {} \n\t{}\r",
        ])
    func lines(text: String) throws { #expect(try decode(text, max: 2).map(\.method) == [.pong, .pong]) }

    @Test(
        "two objects on a line, or one object on two, are no commands",
        arguments: [
            "{}{}", "{},{}", "{\"id\":1,\n\"ping\":{}}", "[{}]", "null", "1", "\u{FEFF}{}", " \n ", "{} //",
        ])
    func shapes(text: String) { #expect(throws: CentrifugeDecodeError.notAnObject) { try decode(text) } }

    @Test(
        "an id is a number from 1 to 2³²-1, but for send",
        arguments: [
            ("1", true), ("4294967295", true), ("0", false), ("4294967296", false), ("1.0", false), ("\"1\"", false),
            ("null", false), ("-1", false), ("1e1", false),
        ])
    func ids(id: String, isID: Bool) throws {
        let text = "{\"id\":\(id),\"ping\":{}}"
        if isID {
            #expect(try decode(text).first?.id == UInt32(id))
        } else {
            #expect(throws: CentrifugeDecodeError.field("id")) { try decode(text) }
        }
        #expect(try decode(#"{"send":{}}"#) == [.init(id: 0, method: .send)])
        #expect(try decode(#"{"id":0,"send":{}}"#) == [.init(id: 0, method: .send)])
    }

    @Test(
        "data is read however deep it is nested: whether it may be is not for the reader to say",
        arguments: [62, 63, 64, 65, 1_000, 30_000])
    func depth(levels: Int) throws {
        let data = String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
        let text = "{\"id\":1,\"publish\":{\"channel\":\"a\",\"data\":\(data)}}"
        let command = CentrifugeCommand(id: 1, method: .publish(channel: "a", data: ByteBuffer(string: data)))
        #expect(try decode(text) == [command])
        #expect(throws: CentrifugeDecodeError.notAnObject) { try decode(text.replacing("]]}}", with: "]}}")) }
    }

    @Test("connect names as many channels as a client may have, each once in its place, and no more")
    func subs() throws {
        func decode(_ count: Int, _ limit: Int) throws -> [CentrifugeCommand] {
            let subs = (0..<count).map { "\"c\($0)\":{\"recover\":true,\"offset\":\($0)}" }.joined(separator: ",")
            return try CentrifugeJSONMessage(
                ByteBuffer(string: "{\"id\":1,\"connect\":{\"subs\":{\(subs)}}}"), maxCommands: 1,
                maxSubscriptions: limit
            ).commands()
        }
        guard case .connect(let request) = try decode(128, 128).first?.method else {
            Issue.record("no connect")
            return
        }
        #expect(request.subscriptions.map(\.channel.string) == (0..<128).map { "c\($0)" })
        #expect(request.subscriptions.map(\.position.offset) == Array(0..<128))
        #expect(throws: CentrifugeDecodeError.field("subs")) { try decode(129, 128) }
        #expect(throws: CentrifugeDecodeError.field("subs")) { try decode(1_000, 128) }
    }

    @Test("mutated commands are refused or read, and what is read is whole", arguments: 0..<300)
    func mutations(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        let whole =
            #"{"id":3,"publish":{"channel":"a","data":{"k":[1,2]}}}"# + "\n"
            + #"{"id":4,"subscribe":{"channel":"é\u00e9"}}"#
        for _ in 0..<50 {
            var bytes = Array(whole.utf8)
            for _ in 0...Int.random(in: 0...3, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes.remove(at: index)
                case 1: bytes.insert(UInt8.random(in: 0...255, using: &random), at: index)
                default: bytes[index] = UInt8.random(in: 0...255, using: &random)
                }
            }
            let message = try? CentrifugeJSONMessage(ByteBuffer(bytes: bytes), maxCommands: 4)
            guard let commands = try? message?.commands() else { continue }
            #expect((1...4).contains(commands.count))
            for case .publish(_, let data) in commands.map(\.method) {
                #expect(data.withUnsafeReadableBytes { JSONScanner.isValid($0) })
            }
        }
    }
}
