import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore
@testable import FanfareProtocols

@Suite("Centrifuge session: deltas and filters")
struct SessionSelectionTests {
    private func session(_ change: (inout ChannelRules) -> Void = { _ in }) -> CentrifugeSession {
        var rules = ChannelRules()
        rules.history = ChannelRules.Retention(size: 10, age: .seconds(60))
        rules.recovery = .stream
        change(&rules)
        var session = CentrifugeSession(
            policy: .init(
                nodeName: "n", version: "v", pingSeconds: 25, maxChannelNameBytes: 20, maxChannels: 3,
                permissions: .publish, channels: ChannelRulebook(plain: rules)))
        _ = session.receive(CentrifugeCommand(id: 1, method: .connect(token: nil)))
        return session
    }

    private func perform(_ session: inout CentrifugeSession, _ fields: String) throws -> SessionAction {
        let line = ByteBuffer(string: #"{"id":2,"subscribe":{"channel":"a",\#(fields)}}"#)
        return session.receive(try CentrifugeJSONDecoder.command(line, maxSubscriptions: 8))
    }

    private func selection(_ action: SessionAction) -> Selection?? {
        guard case .subscribe(_, _, let selection, _) = action else { return nil }
        return .some(selection)
    }

    private func refusal(_ action: SessionAction) -> String? {
        guard case .refuse(let body) = action else { return nil }
        return body.text
    }

    private static let leaf = #""tf":{"key":"k","cmp":"eq","val":"v"}"#

    @Test("deltas are given where the rules have them, and the reply says whether they are")
    func deltas() throws {
        for allowed in [true, false] {
            var session = session { $0.delta = allowed ? .fossil : .off }
            #expect(selection(try perform(&session, #""delta":"fossil""#)) == .some(allowed ? .deltas : nil))
            let position = StreamPosition(offset: 1, epoch: "e")
            let publication = Publication(
                channel: try ChannelName("a"), payload: Payload(text: #"{"a":1}"#), position: position)
            let start = SubscriptionStart(position: position, publications: [publication])
            let reply = try #require(session.subscribed(try ChannelName("a"), id: 2, start)).text
            #expect(reply.contains(#""delta":true"#) == allowed)
            #expect(reply.contains(allowed ? #"{"data":"{\"a\":1}","offset":1}"# : #"{"data":{"a":1},"offset":1}"#))
        }
        var session = session { $0.delta = .fossil }
        #expect(refusal(try perform(&session, #""delta":"xdelta""#))?.contains("there is fossil") == true)
        #expect(session.channelCount == 0)
        #expect(selection(try perform(&session, #""delta":"""#)) == .some(nil))
    }

    @Test("one filter too many in a channel is a limit, which SDKs do not try again")
    func tooManyFilters() throws {
        var session = session { $0.tagsFilter = true }
        _ = try perform(&session, Self.leaf)
        let reply = session.subscribeFailed(try ChannelName("a"), id: 2, .tooManyFilters).text
        #expect(reply.contains(#""code":106"#) && !reply.contains("temporary") && session.channelCount == 0)
    }

    @Test("a filter is taken where the rules allow one, and rules out deltas")
    func filters() throws {
        var session = session {
            $0.tagsFilter = true
            $0.delta = .fossil
        }
        let filter = try TagFilter(.init(op: "", key: "k", cmp: "eq", val: "v"))
        #expect(selection(try perform(&session, Self.leaf + #","delta":"fossil""#)) == .some(.filtered(filter)))
        let reply = session.subscribed(try ChannelName("a"), id: 2, SubscriptionStart())
        #expect(reply?.text.contains("delta") == false)
        var strict = self.session()
        let refused = refusal(try perform(&strict, Self.leaf))
        #expect(refused?.contains(#""code":107"#) == true && refused?.contains("can't have a filter") == true)
        #expect(strict.channelCount == 0)
        #expect(selection(try perform(&strict, #""tf":null"#)) == .some(nil))
    }

    @Test("with recovery=cache a newest publication that the filter left out counts as had")
    func cache() throws {
        for isFiltered in [true, false] {
            var session = session {
                $0.tagsFilter = true
                $0.recovery = .cache
            }
            _ = try perform(&session, #""recover":true,"offset":3,"epoch":"e""# + (isFiltered ? "," + Self.leaf : ""))
            let start = SubscriptionStart(position: StreamPosition(offset: 5, epoch: "e"))
            let reply = try #require(session.subscribed(try ChannelName("a"), id: 2, start)).text
            #expect(reply.contains(#""recovered":true"#) == isFiltered)
        }
    }

    @Test("a nested filter is read as it is meant")
    func nested() throws {
        var session = session { $0.tagsFilter = true }
        let tf =
            #"{"op":"or","nodes":[{"op":"not","nodes":[{"key":"a","cmp":"in","vals":["1","2"]}]},{"key":"b","cmp":"ex"}]}"#
        let action = try perform(&session, #""tf":"# + tf)
        let filter = try TagFilter(.any([.not(.compare("a", .oneOf(["1", "2"]))), .compare("b", .exists)]))
        #expect(selection(action) == .some(.filtered(filter)))
    }

    @Test(
        "a filter that can't be read is refused with a reason, and the client goes on",
        arguments: [
            ("[]", "no object"), ("{}", "unknown"), (#"{"op":1}"#, "'op' that is no string"),
            (#"{"key":"k","cmp":"in","vals":[1]}"#, "not all strings"), (#"{"op":"and","nodes":{}}"#, "no array"),
            (#"{"op":"and","nodes":[]}"#, "without nodes"), (#"{"key":"k","cmp":"gt","val":"x"}"#, "no decimal number"),
        ])
    func malformed(tf: String, problem: String) throws {
        var session = session { $0.tagsFilter = true }
        let text = try #require(refusal(try perform(&session, #""tf":"# + tf)))
        #expect(text.contains(#""code":107"#) && text.contains(problem), "\(text)")
    }

    /// Where a command has its `subscribe`.
    private enum SubscribeField: UInt32 {
        case subscribe = 5
    }

    /// A node of a filter in Protobuf.
    private func node(_ write: (inout ByteBuffer) -> Void) -> ByteBuffer {
        var buffer = ByteBuffer()
        write(&buffer)
        return buffer
    }

    @Test("in Protobuf a filter and deltas are asked for as in JSON, and what can't be read is refused")
    func protobuf() throws {
        typealias Field = CentrifugeFields.FilterNode
        let leaf = node { buffer in
            buffer.writeProtobuf(Field.key, "a")
            buffer.writeProtobuf(Field.cmp, "in")
            for text in ["1", "2"] { buffer.writeProtobuf(Field.vals, text) }
        }
        let filter = node { buffer in
            buffer.writeProtobuf(Field.op, "not")
            buffer.writeProtobuf(Field.nodes, leaf)
        }
        #expect(
            CentrifugeProtobufDecoder.filter(filter)
                == .success(try TagFilter(.not(.compare("a", .oneOf(["1", "2"]))))))
        let command = node { buffer in
            buffer.writeProtobuf(CentrifugeFields.Command.id, UInt32(2))
            buffer.writeProtobuf(SubscribeField.subscribe) { buffer in
                buffer.writeProtobuf(CentrifugeFields.Subscribe.channel, "a")
                buffer.writeProtobuf(CentrifugeFields.Subscribe.delta, "fossil")
                buffer.writeProtobuf(CentrifugeFields.Subscribe.filter, filter)
            }
        }
        let read = try CentrifugeProtobufDecoder.command(command, maxSubscriptions: 8)
        guard case .subscribe(let request) = read.method else {
            Issue.record("\(read)")
            return
        }
        #expect(request.delta == "fossil" && request.filter == CentrifugeProtobufDecoder.filter(filter))
        var deep = leaf
        for _ in 0..<TagFilter.maximumDepth {
            deep = node { buffer in
                buffer.writeProtobuf(Field.op, "not")
                buffer.writeProtobuf(Field.nodes, deep)
            }
        }
        #expect(CentrifugeProtobufDecoder.filter(deep) == .failure(.tooDeep))
        for broken in [
            ByteBuffer(bytes: [0xFF]), ByteBuffer(bytes: [0x0A, 0x01, 0xFF]), ByteBuffer(bytes: [0x08, 0x01]),
        ] {
            guard case .failure = CentrifugeProtobufDecoder.filter(broken) else {
                Issue.record("\(broken) was taken")
                continue
            }
        }
    }

    @Test("deep and long filters are refused before they cost anything")
    func bounds() throws {
        var session = session { $0.tagsFilter = true }
        let deep =
            String(repeating: #"{"op":"not","nodes":["#, count: 500)
            + #"{"key":"k","cmp":"ex"}"# + String(repeating: "]}", count: 500)
        #expect(refusal(try perform(&session, #""tf":"# + deep))?.contains("nested deeper") == true)
        let long = #"{"key":"k","cmp":"eq","val":"\#(String(repeating: "v", count: 20_000))"}"#
        #expect(refusal(try perform(&session, #""tf":"# + long))?.contains("bytes of keys and values") == true)
    }
}
