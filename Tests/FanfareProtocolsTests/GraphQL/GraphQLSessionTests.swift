import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore
@testable import FanfareProtocols

/// Codes and messages are those of graphql-ws' PROTOCOL.md, and of subscriptions-transport-ws' for the older subprotocol.
@Suite("GraphQL sessions")
struct GraphQLSessionTests {
    private static let channel = #"subscription { channel(name: "news") { data } }"#

    private static var claims: ConnectClaims {
        var claims = ConnectClaims()
        claims.user = "u"
        return claims
    }

    private static func recovering() -> ChannelRules {
        var rules = ChannelRules()
        rules.history = .init(size: 10, age: .seconds(60))
        rules.recovery = .stream
        (rules.readHistory, rules.readPresence, rules.presence) = (.clients, .clients, true)
        return rules
    }

    @Test("connection_init is acknowledged, pings are answered with their payload, pongs are not")
    func begin() {
        var client = GraphQLDriver()
        #expect(client.send(#"{"type":"ping","payload":{"a":1}}"#) == [#"{"type":"pong","payload":{"a":1}}"#])
        #expect(client.send(#"{"type":"connection_init","payload":null}"#) == [#"{"type":"connection_ack"}"#])
        #expect(client.send(#"{"type":"ping"}"#) == [#"{"type":"pong"}"#])
        #expect(client.send(#"{"type":"pong","payload":{}}"#).isEmpty && client.end == nil)
    }

    @Test(
        "what the protocol does not allow ends the client with its code",
        arguments: [
            ([#"{"type":"connection_init"}"#, #"{"type":"connection_init"}"#], 4429),
            ([#"{"id":"1","type":"subscribe","payload":{"query":"{ node { name } }"}}"#], 4401),
            (["no JSON"], 4400), (["[]"], 4400), (["{}"], 4400), ([#"{"type":7}"#], 4400),
            ([#"{"type":"start"}"#], 4400),
            ([#"{"type":"ping","payload":[]}"#], 4400), ([#"{"type":"connection_init","payload":"x"}"#], 4400),
            ([#"{"type":"connection_init"}"#, #"{"type":"subscribe","payload":{"query":"{ node { name } }"}}"#], 4400),
            ([#"{"type":"connection_init"}"#, #"{"id":"","type":"subscribe","payload":{"query":""}}"#], 4400),
            ([#"{"type":"connection_init"}"#, #"{"id":7,"type":"subscribe","payload":{"query":""}}"#], 4400),
            ([#"{"type":"connection_init"}"#, #"{"id":"1","type":"subscribe","payload":{}}"#], 4400),
            (
                [
                    #"{"type":"connection_init"}"#,
                    #"{"id":"1","type":"subscribe","payload":{"query":"","variables":[]}}"#,
                ], 4400
            ),
        ] as [([String], UInt16)])
    func codes(messages: [String], code: UInt16) {
        var client = GraphQLDriver()
        for message in messages { _ = client.send(message) }
        #expect(client.end == code)
    }

    @Test("a client without a subprotocol is told so, one that is silent is told after its time")
    func ends() {
        var client = GraphQLDriver(nil)
        #expect(client.send("").isEmpty && client.end == 4406)
        let other = GraphQLDriver().session
        #expect(other.end(.stale).code == 4408 && other.end(.expired).code == 4403)
        // After these the official client comes back.
        #expect(other.end(.serviceRestart).code == 1012 && other.end(.slow).code == 3008)
    }

    @Test("a token comes in the payload of connection_init, in four ways, or with the upgrade's request")
    func token() {
        for payload in [
            #"{"token":"good"}"#, #"{"Authorization":"Bearer good"}"#, #"{"authorization":"bearer good"}"#,
            #"{"headers":{"Authorization":"Bearer good"}}"#,
        ] {
            var client = GraphQLDriver(permissions: .none)
            client.tokens["good"] = Self.claims
            #expect(client.send(#"{"type":"connection_init","payload":\#(payload)}"#).count == 1)
            #expect(client.session.grants?.user == "u")
        }
        var client = GraphQLDriver(permissions: .none, requestToken: "good")
        client.tokens["good"] = Self.claims
        #expect(client.send(#"{"type":"connection_init"}"#).count == 1)
        var other = GraphQLDriver()
        #expect(other.send(#"{"type":"connection_init","payload":{"token":"bad"}}"#).isEmpty && other.end == 4403)
        var none = GraphQLDriver(permissions: .none)
        #expect(none.send(#"{"type":"connection_init"}"#).isEmpty && none.end == 4403)
        var legacy = GraphQLDriver(.legacy, permissions: .none)
        let heard = legacy.send(#"{"type":"connection_init"}"#)
        #expect(heard == [#"{"type":"connection_error","payload":{"message":"Forbidden"}}"#] && legacy.end == 4403)
    }

    @Test("a publication comes as each operation asks for it; those that ask for the same share its format")
    func subscriptions() throws {
        var client = GraphQLDriver.connected()
        #expect(client.start("a", Self.channel).isEmpty)
        #expect(
            client.start(
                "b",
                "subscription ($c: String!) { x: channel(name: $c) { text tags { name } ...I } } fragment I on Publication { info { user } offset }",
                variables: #"{"c":"news"}"#
            ).isEmpty)
        #expect(client.start("c\\\"", Self.channel) == [])
        #expect(client.session.selections.count == 2 && client.joined.count == 3)
        #expect(
            try client.publish("news", #"{"n":1}"#) == [
                #"{"id":"a","type":"next","payload":{"data":{"channel":{"data":{"n":1}}}}}"#,
                #"{"id":"b","type":"next","payload":{"data":{"x":{"text":"{\"n\":1}","tags":[],"info":null,"offset":null}}}}"#,
                #"{"id":"c\"","type":"next","payload":{"data":{"channel":{"data":{"n":1}}}}}"#,
            ])
        #expect(client.send(#"{"id":"a","type":"complete"}"#).isEmpty)
        #expect(client.send(#"{"id":"unknown","type":"complete"}"#).isEmpty)
        #expect(client.joined.count == 2)
        // The id is free again.
        #expect(client.start("a", Self.channel).isEmpty && client.joined.count == 3)
        #expect(client.start("a", Self.channel).isEmpty && client.end == 4409)
    }

    @Test("a document that is wrong is an error of its operation, and the connection goes on")
    func errors() {
        var client = GraphQLDriver.connected()
        let heard = client.start("a", "subscription { channel(name: \"news\") { nothing } }")
        #expect(
            heard.count == 1 && heard[0].hasPrefix(#"{"id":"a","type":"error","payload":[{"message":"Cannot query"#))
        #expect(client.start("a", "{")[0].contains("GRAPHQL_PARSE_FAILED"))
        #expect(client.start("a", "subscription { channel(name: \"\") { data } }")[0].contains("BAD_USER_INPUT"))
        #expect(
            client.start("a", "subscription { channel(name: \"n\", since: \"x\") { data } }")[0].contains(
                "BAD_USER_INPUT"))
        #expect(
            client.start("a", "subscription { channel(name: \"n\", last: 2) { data } }")[0].contains("NOT_AVAILABLE"))
        #expect(client.start("a", Self.channel).isEmpty && client.end == nil)
        var other = GraphQLDriver.connected(
            permissions: .init(mayConnect: true, maySubscribe: false, mayPublish: false))
        let denied = other.start("a", Self.channel)
        #expect(denied[0].contains("FORBIDDEN") && denied[0].contains(#""path":["channel"]"#) && other.joined.isEmpty)
    }

    @Test("what a subscription missed comes first, with since and with last; what is lost is said")
    func recovery() throws {
        var client = GraphQLDriver.connected(.transport, Self.recovering())
        try client.stream("news", ["1", "2", "3"])
        let select = "{ offset data }"
        #expect(
            client.start("a", "subscription { channel(name: \"news\", since: \"1.k3vx\") \(select) }").map {
                $0.contains(#""offset":2"#)
            } == [true, false])
        #expect(
            client.start("b", "subscription { channel(name: \"news\", last: 1) \(select) }") == [
                #"{"id":"b","type":"next","payload":{"data":{"channel":{"offset":3,"data":3}}}}"#
            ])
        let lost = client.start("c", "subscription { channel(name: \"news\", since: \"1.other\") \(select) }")
        #expect(lost.count == 1 && lost[0].contains("INSUFFICIENT_STATE") && client.joined.count == 2)
    }

    @Test("queries ask the broker field by field, and are answered when all is there")
    func queries() throws {
        var client = GraphQLDriver.connected(.transport, Self.recovering())
        #expect(
            client.start("n", "{ node { name version } x: __typename }") == [
                #"{"id":"n","type":"next","payload":{"data":{"node":{"name":"n","version":"1"},"x":"Query"}}}"#,
                #"{"id":"n","type":"complete"}"#,
            ])
        #expect(
            client.start(
                "h",
                "{ h: history(channel: \"a\", last: 2) { publications { data } position } p: presence(channel: \"a\") { count } }"
            ).isEmpty)
        guard case .history(_, let query, let first) = client.asked.first,
            case .presence(_, let second) = client.asked.last
        else {
            Issue.record("\(client.asked)")
            return
        }
        #expect(query.reverse && query.limit == 2)
        let channel = try ChannelName("a")
        let page = HistoryPage(
            publications: [2, 1].map {
                Publication(
                    channel: channel, payload: Payload(text: "\($0)"), position: StreamPosition(offset: $0, epoch: "e"))
            }, position: StreamPosition(offset: 2, epoch: "e"))
        #expect(client.answer { $0.read(id: first, since: nil, .success(page)) }.isEmpty)
        #expect(
            client.answer { $0.presence(id: second, .failure(.unavailable)) }[0]
                .hasPrefix(
                    #"{"id":"h","type":"next","payload":{"data":{"h":{"publications":[{"data":1},{"data":2}],"position":"2.e"},"p":null},"errors":[{"message":"presence: "#
                ))
    }

    @Test("a mutation publishes, and says where; what fails is told of its field")
    func mutations() throws {
        var client = GraphQLDriver.connected()
        let text =
            "mutation { a: publish(channel: \"x\", data: {n: [1]}, tags: [{name: \"k\", value: \"v\"}]) { position } b: publish(channel: \"x\", data: 2) { offset } }"
        #expect(client.start("m", text).isEmpty && client.asked.count == 2)
        guard case .publish(let channel, let payload, let tags, let first) = client.asked[0],
            case .publish(_, _, _, let second) = client.asked[1]
        else {
            Issue.record("\(client.asked)")
            return
        }
        #expect(channel.string == "x" && String(buffer: payload.bytes) == #"{"n":[1]}"# && tags["k"] == "v")
        #expect(
            client.answer {
                $0.published(id: first, .success(PublishReceipt(position: StreamPosition(offset: 7, epoch: "e"))))
            }.isEmpty)
        let heard = client.answer { $0.published(id: second, .failure(.unavailable)) }
        #expect(heard.count == 2 && heard[0].contains(#"{"data":{"a":{"position":"7.e"},"b":null},"errors":["#))
        #expect(heard[1] == #"{"id":"m","type":"complete"}"#)
        client.refuses = true
        #expect(
            client.start("r", "mutation { publish(channel: \"x\", data: 1) { offset } }")[0].contains("TRY_AGAIN_LATER")
        )
        // What is stopped is answered by nobody.
        client.refuses = false
        _ = client.start("s", "mutation { publish(channel: \"x\", data: 1) { offset } }")
        #expect(client.send(#"{"id":"s","type":"complete"}"#).isEmpty)
        #expect(client.answer { $0.published(id: 4, .success(PublishReceipt())) }.isEmpty)
    }

    @Test("the older subprotocol has words of its own")
    func legacy() throws {
        var client = GraphQLDriver(.legacy)
        #expect(
            client.send(#"{"type":"connection_init","payload":{}}"#) == [
                #"{"type":"connection_ack"}"#, #"{"type":"ka"}"#,
            ])
        #expect(client.send("?")[0].hasPrefix(#"{"type":"connection_error""#) && client.end == nil)
        #expect(client.start("1", Self.channel).isEmpty)
        #expect(
            try client.publish("news", "1") == [#"{"id":"1","type":"data","payload":{"data":{"channel":{"data":1}}}}"#])
        // An id that is in use is begun anew.
        #expect(client.start("1", Self.channel).isEmpty && client.joined.count == 1)
        #expect(client.send(#"{"id":"1","type":"stop"}"#) == [#"{"id":"1","type":"complete"}"#])
        #expect(client.send(#"{"id":"1","type":"stop"}"#).isEmpty && client.joined.isEmpty)
        #expect(
            client.start("2", "{ nodes { name } }")[0].hasPrefix(#"{"id":"2","type":"error","payload":{"message":"#))
        #expect(client.send(#"{"type":"connection_terminate"}"#).isEmpty && client.end == 1000)
    }

    @Test("subscriptions and different selections of a client are bounded")
    func bounds() {
        var client = GraphQLDriver.connected(channels: 2)
        for id in ["a", "b"] { #expect(client.start(id, Self.channel).isEmpty) }
        #expect(client.start("c", Self.channel)[0].contains("TRY_AGAIN_LATER"))
        var other = GraphQLDriver.connected(channels: 100)
        for number in 0..<16 {
            let query = "subscription { a\(number): channel(name: \"a\(number / 4)\") { data } }"
            #expect(other.start("\(number)", query).isEmpty)
        }
        #expect(other.start("x", Self.channel)[0].contains("different selections"))
        #expect(other.start("x", "subscription { a3: channel(name: \"b\") { data } }").isEmpty)
        let long = String(repeating: "i", count: 101)
        #expect(other.start(long, Self.channel).isEmpty && other.end == 4400)
    }

    @Test("a backend's unsubscribe completes the operations of that channel")
    func commanded() throws {
        var client = GraphQLDriver.connected()
        _ = client.start("a", Self.channel)
        let channel = try ChannelName("news")
        guard case .done(let action) = client.session.unsubscribe(channel) else {
            Issue.record("not done")
            return
        }
        #expect(client.answer { _ in action } == [#"{"id":"a","type":"complete"}"#] && client.joined.isEmpty)
    }
}
