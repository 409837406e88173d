import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore
@testable import FanfareProtocols

/// What one client's operations may cost the others: each is asked for, counted or refused before it is done.
@Suite("GraphQL: costs")
struct GraphQLCostTests {
    private static func rules() -> ChannelRules {
        var rules = ChannelRules()
        rules.history = .init(size: 1_000, age: .seconds(60))
        rules.recovery = .stream
        (rules.readHistory, rules.readPresence, rules.presence) = (.clients, .clients, true)
        return rules
    }

    /// What graphql-js asks, and all tools after it: `getIntrospectionQuery`.
    private static let tools = """
        query IntrospectionQuery {
          __schema {
            description queryType { name kind } mutationType { name kind } subscriptionType { name kind }
            types { ...FullType }
            directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } }
          }
        }
        fragment FullType on __Type {
          kind name description specifiedByURL
          fields(includeDeprecated: true) {
            name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason
          }
          inputFields(includeDeprecated: true) { ...InputValue }
          interfaces { ...TypeRef }
          enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
          possibleTypes { ...TypeRef }
        }
        fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
        fragment TypeRef on __Type {
          kind name
          ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
            ofType { kind name ofType { kind name ofType { kind name } } } } } } } } }
        }
        """

    @Test("introspection waits for room, is held to the rate of reads, and takes turns")
    func introspection() {
        var client = GraphQLDriver.connected()
        client.mayRead = false
        #expect(client.start("i", Self.tools).isEmpty)
        let (before, answered) = (client.work, client.resume())
        #expect(answered.count == 2 && !answered[0].contains("errors") && client.credited == 1)
        #expect(client.work - before >= Turn.work && client.reads >= 9)
        client.refuses = true
        #expect(client.start("r", "{ __type(name: \"Tag\") { name } }")[0].contains("TRY_AGAIN_LATER"))
        #expect(client.start("n", "{ node { name } }")[0].contains("TRY_AGAIN_LATER"))
    }

    @Test("a document takes units of a turn by its length")
    func weight() {
        var client = GraphQLDriver.connected()
        let before = client.work
        let blank = String(repeating: " ", count: 20_000)
        #expect(client.start("a", "{\(blank)nothing }")[0].contains("GRAPHQL_VALIDATION_FAILED"))
        #expect(client.work - before > 8 * Turn.work)
    }

    @Test("the values of variables take units of a turn by their length, too")
    func variables() {
        var client = GraphQLDriver.connected()
        let before = client.work
        let value = "{\"v\":\"\(String(repeating: "x", count: 50_000))\"}"
        _ = client.start("a", "mutation ($v: JSON!) { publish(channel: \"x\", data: $v) { offset } }", variables: value)
        #expect(client.work - before > 2 * Turn.work)
    }

    @Test("more tags than a publication may have are refused before anybody looks at them")
    func tags() {
        var client = GraphQLDriver.connected()
        let tags = (0...PublicationTags.maximumCount).map { "{name: \"n\($0)\", value: \"\"}" }.joined(separator: " ")
        let heard = client.start("a", "mutation { publish(channel: \"x\", data: 1, tags: [\(tags)]) { offset } }")
        #expect(heard[0].contains("33 tags, at most 32 are allowed") && client.asked.isEmpty)
    }

    @Test("what a mutation is told counts among what waits for the client, for nobody asked for room")
    func mutations() {
        var client = GraphQLDriver.connected()
        let before = client.credited
        _ = client.start("m", "mutation { publish(channel: \"x\", data: 1) { offset } }")
        let heard = client.answer { $0.published(id: 1, .success(PublishReceipt())) }
        #expect(heard.count == 2 && client.credited == before)
    }

    @Test("an outcome that comes late is not that of a new operation with the same id")
    func late() {
        let publish = "mutation { publish(channel: \"x\", data: 1) { position } }"
        let at = { (offset: UInt64) in PublishReceipt(position: StreamPosition(offset: offset, epoch: "e")) }
        for subprotocol in GraphQLSubprotocol.allCases {
            var client = GraphQLDriver.connected(subprotocol)
            _ = client.start("m", publish)
            if subprotocol == .transport { _ = client.send(#"{"id":"m","type":"complete"}"#) }
            // In the older subprotocol the new one ends the one before it.
            #expect(client.start("m", publish).isEmpty)
            #expect(client.answer { $0.published(id: 1, .success(at(1))) }.isEmpty)
            let heard = client.answer { $0.published(id: 2, .success(at(2))) }
            #expect(heard.first?.contains(#""position":"2.e""#) == true)
        }
    }

    // MARK: Tokens

    private static func token(_ channel: ExactText, allow: ChannelActions) -> SubscriptionClaims {
        var claims = SubscriptionClaims()
        (claims.channel, claims.allow, claims.expiresAt) = (channel, allow, 1_060)
        return claims
    }

    private static func subscribe(_ channel: String, _ token: String, alias: String = "channel") -> String {
        "subscription { \(alias): channel(name: \"\(channel)\", token: \"\(token)\") { data } }"
    }

    private static func mayPublish(_ client: inout GraphQLDriver, _ channel: String) -> Bool {
        client.asked = []
        let heard = client.start("p", "mutation { publish(channel: \"\(channel)\", data: 1) { offset } }")
        defer { _ = client.send(#"{"id":"p","type":"complete"}"#) }
        return client.asked.count == 1 && heard.isEmpty
    }

    @Test("a token that opened nothing leaves nothing: no selection is left, or the hub has no room")
    func grants() {
        var client = GraphQLDriver.connected(permissions: .subscribe, channels: 100)
        client.subscriptionTokens["t"] = Self.token("a", allow: .publish)
        for number in 0..<GraphQLBounds.formats {
            let query = "subscription { a\(number): channel(name: \"b\(number / 4)\") { data } }"
            #expect(client.start("\(number)", query).isEmpty)
        }
        #expect(client.start("x", Self.subscribe("a", "t"))[0].contains("different selections"))
        #expect(!Self.mayPublish(&client, "a"))
        client.refusesJoins = true
        #expect(client.start("x", Self.subscribe("a", "t", alias: "a1"))[0].contains("TRY_AGAIN_LATER"))
        #expect(!Self.mayPublish(&client, "a") && client.released.isEmpty)
        client.refusesJoins = false
        #expect(client.start("x", Self.subscribe("a", "t", alias: "a1")).isEmpty)
        #expect(Self.mayPublish(&client, "a"))
        #expect(client.send(#"{"id":"x","type":"complete"}"#).isEmpty && !Self.mayPublish(&client, "a"))
    }

    @Test("what a token opened goes with its subscription, also where another one to that channel goes on")
    func grantOfOne() {
        var client = GraphQLDriver.connected(permissions: .subscribe)
        client.subscriptionTokens["t"] = Self.token("a", allow: .publish)
        #expect(client.start("s", "subscription { channel(name: \"a\") { data } }").isEmpty)
        #expect(client.start("t", Self.subscribe("a", "t")).isEmpty && Self.mayPublish(&client, "a"))
        client.refusesJoins = true
        client.subscriptionTokens["u"] = Self.token("a", allow: [])
        _ = client.start("u", Self.subscribe("a", "u"))
        #expect(Self.mayPublish(&client, "a"), "the token before it is still good")
        #expect(client.send(#"{"id":"t","type":"complete"}"#).isEmpty && !Self.mayPublish(&client, "a"))
    }

    @Test("a subscription without a token that another one's token lets in ends with it, too")
    func borrowed() {
        let visitor = ClientPermissions(mayConnect: true, maySubscribe: false, mayPublish: false)
        var client = GraphQLDriver.connected(permissions: visitor)
        client.subscriptionTokens["t"] = Self.token("a", allow: .subscribe)
        #expect(client.start("o", "subscription { channel(name: \"a\") { data } }")[0].contains("FORBIDDEN"))
        #expect(client.start("t", Self.subscribe("a", "t")).isEmpty)
        #expect(client.start("b", "subscription { channel(name: \"a\") { data } }").isEmpty)
        #expect(client.send(#"{"id":"t","type":"complete"}"#).isEmpty)
        let (early, late) = (TokenTime(wall: 1_059, monotonic: 1_059), TokenTime(wall: 1_061, monotonic: 1_061))
        #expect(client.session.expire(early).isEmpty)
        #expect(client.session.expire(late) == [.disconnect(.expired)])
        // In a channel that wants a token of everyone, being there by another's is no right.
        var strict = GraphQLDriver.connected(permissions: .subscribe)
        strict.subscriptionTokens["t"] = Self.token("$a", allow: [])
        #expect(strict.start("o", "subscription { channel(name: \"$a\") { data } }")[0].contains("FORBIDDEN"))
        #expect(strict.start("t", Self.subscribe("$a", "t")).isEmpty)
        #expect(strict.start("b", "subscription { channel(name: \"$a\") { data } }").isEmpty)
        #expect(strict.send(#"{"id":"t","type":"complete"}"#).isEmpty)
        #expect(strict.session.expire(early).isEmpty && strict.session.expire(late) == [.disconnect(.expired)])
        // Who is let in without one goes on.
        var free = GraphQLDriver.connected(permissions: .subscribe)
        free.subscriptionTokens["t"] = Self.token("a", allow: .subscribe)
        #expect(free.start("t", Self.subscribe("a", "t")).isEmpty)
        #expect(free.start("b", "subscription { channel(name: \"a\") { data } }").isEmpty)
        #expect(free.send(#"{"id":"t","type":"complete"}"#).isEmpty && free.session.expire(late).isEmpty)
    }

    // MARK: Selections

    @Test("a selection is let go with its last subscription, however that ends, and another one finds room")
    func selections() throws {
        var client = GraphQLDriver.connected(.transport, Self.rules(), channels: 100)
        func subscribe(_ alias: Int, _ arguments: String = "") -> String {
            "subscription { a\(alias): channel(name: \"news\(alias % 4)\"\(arguments)) { data } }"
        }
        for number in 0..<GraphQLBounds.formats { #expect(client.start("\(number)", subscribe(number)).isEmpty) }
        let kept = client.session.keptBytes
        #expect(kept > GraphQLBounds.formats * 500)
        #expect(client.start("more", subscribe(99))[0].contains("different selections"))
        // In another channel it is not that one's, which has as many as a client may have there.
        #expect(
            client.start("other", "subscription { a7: channel(name: \"news0\") { data } }")[0].contains("of a channel"))
        #expect(client.start("again", subscribe(7)).isEmpty)
        #expect(client.send(#"{"id":"7","type":"complete"}"#).isEmpty && client.released.isEmpty)
        #expect(client.send(#"{"id":"again","type":"complete"}"#).isEmpty && client.released.count == 1)
        // What can't be recovered, and what the hub refuses, is no subscription.
        #expect(client.start("lost", subscribe(95, ", since: \"1.other\""))[0].contains("INSUFFICIENT_STATE"))
        client.refusesJoins = true
        #expect(client.start("refused", subscribe(91))[0].contains("TRY_AGAIN_LATER"))
        client.refusesJoins = false
        #expect(client.released.count == 3 && client.start("more", subscribe(99)).isEmpty)
        #expect(client.session.keptBytes > kept && client.session.keptBytes < kept + 50)
        // A backend ends all of a channel.
        for number in 0..<4 {
            let channel = try ChannelName("news\(number)")
            let heard = client.answer { session in
                guard case .done(let action) = session.unsubscribe(channel) else { return .none }
                return action
            }
            #expect(heard.count == 4)
        }
        #expect(client.released.count == 3 + GraphQLBounds.formats)
        #expect(client.session.selections.isEmpty && client.session.keptBytes == 0)
    }

    @Test("a selection has so many bytes, and no more fields than a publication has, twice over")
    func selectionBytes() {
        var client = GraphQLDriver.connected()
        func subscribe(_ count: Int, _ bytes: Int) -> String {
            let fields = (0..<count).map { "\(String(repeating: "a", count: bytes))\($0): epoch" }.joined(
                separator: " ")
            return client.start("a", "subscription { channel(name: \"x\") { \(fields) } }").first ?? ""
        }
        #expect(subscribe(31, 60).contains("TOO_COMPLEX") && subscribe(32, 1).contains("TOO_COMPLEX"))
        #expect(subscribe(31, 10).isEmpty)
    }

    // MARK: Reads

    @Test(
        "what a subscription missed is counted as it will be written, tags and all",
        arguments: [
            "{ data }", "{ text base64 }", "{ channel epoch position offset __typename tags { name value n: name } }",
            "{ info { client user connInfo chanInfo u: connInfo v: connInfo } }",
            "{ \((0..<15).map { "\(String(repeating: "a", count: 56))\($0): epoch" }.joined(separator: " ")) }",
        ])
    func recovery(selection: String) throws {
        var client = GraphQLDriver.connected(.transport, Self.rules())
        let channel = try ChannelName("news")
        let tags = try PublicationTags(
            (0..<30).map { .init(name: ExactText("name\($0)"), value: ExactText(String(repeating: "v", count: 120))) })
        let info = ClientInfo(
            client: "client", user: "user", connInfo: ByteBuffer(string: "\"\(String(repeating: "i", count: 1_000))\""),
            chanInfo: ByteBuffer(string: "{}"))
        let publications = (1...20 as ClosedRange<UInt64>).map { offset in
            Publication(
                channel: channel, payload: Payload(text: "[\"" + String(repeating: "x", count: 700) + "\"]"),
                position: StreamPosition(offset: offset, epoch: "k3vx"),
                metadata: PublicationMetadata(tags: tags, info: info))
        }
        client.starts["news"] = SubscriptionStart(
            position: StreamPosition(offset: 20, epoch: "k3vx"), publications: publications)
        let heard = client.start("a", "subscription { channel(name: \"news\", last: 20) \(selection) }")
        let bytes = heard.reduce(0) { $0 + $1.utf8.count }
        #expect(heard.count == 20 && client.counted >= bytes, "\(client.counted) for \(bytes)")
        #expect(client.counted <= 3 * bytes + 20 * 600, "\(client.counted) for \(bytes)")
    }

    @Test(
        "control bytes take six where they are in a string, and are counted so",
        arguments: ["{ data text }", "{ text base64 }", "{ channel tags { name value } info { user client } }"])
    func escapes(selection: String) throws {
        var client = GraphQLDriver.connected(.transport, Self.rules())
        let bad = String(repeating: "\u{1}", count: 500)
        let publication = Publication(
            channel: try ChannelName("news"), payload: Payload(text: bad),
            position: StreamPosition(offset: 1, epoch: "k3vx"),
            metadata: PublicationMetadata(
                tags: try PublicationTags([.init(name: "n", value: ExactText(bad))]),
                info: ClientInfo(client: "c", user: ExactText(bad))))
        client.starts["news"] = SubscriptionStart(
            position: StreamPosition(offset: 1, epoch: "k3vx"), publications: [publication])
        let heard = client.start("a", "subscription { channel(name: \"news\", last: 1) \(selection) }")
        let bytes = heard.reduce(0) { $0 + $1.utf8.count }
        #expect(bytes > 3_000 && client.counted >= bytes, "\(client.counted) for \(bytes)")
        #expect(client.counted <= 2 * bytes + 1_000, "\(client.counted) for \(bytes)")
    }

    private static func presence(_ count: Int, _ selection: String) -> String {
        "{ \((0..<count).map { "p\($0): presence(channel: \"a\") { \(selection) }" }.joined(separator: " ")) }"
    }

    /// Who answers each of an operation's questions for members with so many of them, a kilobyte each; returns what waits, and the answer.
    private static func answer(_ client: inout GraphQLDriver, members: Int) -> (held: Int, heard: [String]) {
        let info = ByteBuffer(string: "\"\(String(repeating: "i", count: 1_000))\"")
        let page = PresencePage(
            members: (0..<members).map { ClientInfo(client: ExactText("\($0)"), user: "u", connInfo: info) },
            total: members)
        var (held, heard) = (0, [String]())
        for case .presence(_, let id) in client.asked {
            held = max(held, client.session.answers["p"]?.held ?? 0)
            heard = client.answer { $0.presence(id: id, .success(page)) }
        }
        return (held, heard)
    }

    @Test("eight pages of members don't wait for one answer: what can't be in it is let go")
    func pages() {
        var client = GraphQLDriver.connected(.transport, Self.rules())
        _ = client.start("p", Self.presence(8, "members { user }"))
        let (held, heard) = Self.answer(&client, members: 200)
        #expect(held > 0 && held <= GraphQLBounds.answerBytes)
        #expect(heard[0].contains(#""p0":{"members":[{"user":"u"}"#) && heard[0].contains(#""p7":null"#))
        #expect(heard[0].contains("TOO_COMPLEX"))
        client.asked = []
        _ = client.start("p", Self.presence(8, "count"))
        let counts = Self.answer(&client, members: 200)
        #expect(counts.held == 0 && counts.heard[0].contains(#""p7":{"count":200}"#))
    }
}
