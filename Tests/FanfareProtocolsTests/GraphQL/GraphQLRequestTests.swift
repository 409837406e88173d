import NIOCore
import Testing

@testable import FanfareCore
@testable import FanfareProtocols
@testable import FanfareWire

/// One operation of a request over HTTP: its answer, or its events (GraphQL over Server-Sent Events, "distinct connections mode").
@Suite("GraphQL requests")
struct GraphQLRequestTests {
    private static let grants = Grants(anonymous: .publish)
    private static let complete = "event: complete\ndata:\n\n"

    @Test("a query or mutation has one answer, and its client goes with it")
    func answers() {
        var query = GraphQLDriver(.answer, "{ node { name } }", grants: Self.grants)
        #expect(query.resume() == [#"{"data":{"node":{"name":"n"}}}"#] && query.end == 1000)
        var mutation = GraphQLDriver(
            .answer, "mutation { publish(channel: \"a\", data: 1) { offset } }", grants: Self.grants)
        #expect(mutation.resume().isEmpty && mutation.end == nil)
        let heard = mutation.answer { $0.published(id: 1, .success(PublishReceipt())) }
        #expect(heard == [#"{"data":{"publish":{"offset":null}}}"#] && mutation.end == 1000)
    }

    @Test(
        "what can't be begun is said in the answer",
        arguments: [
            ("{ nodes }", "GRAPHQL_VALIDATION_FAILED"), ("{", "GRAPHQL_PARSE_FAILED"),
            ("subscription { channel(name: \"a\") { data } }", "text/event-stream"),
        ])
    func refusals(query: String, word: String) {
        var client = GraphQLDriver(.answer, query, grants: Self.grants)
        let heard = client.resume()
        #expect(heard.count == 1 && heard[0].hasPrefix(#"{"errors":[{"message":"#) && heard[0].contains(word))
        #expect(client.end == 1000)
    }

    @Test("as events a query is one and its end, and so is an error")
    func events() {
        var query = GraphQLDriver(.events(.chunked), "{ node { name } }", grants: Self.grants)
        #expect(
            query.resume() == ["event: next\ndata: {\"data\":{\"node\":{\"name\":\"n\"}}}\n\n", Self.complete])
        #expect(query.end == 1000)
        var wrong = GraphQLDriver(.events(.bare), "{ nodes }", grants: Self.grants)
        let heard = wrong.resume()
        #expect(heard.count == 2 && heard[0].hasPrefix("event: next\ndata: {\"errors\":[") && heard[1] == Self.complete)
        #expect(wrong.end == 1000)
    }

    @Test("as events a subscription goes on until it is ended, with what it missed before")
    func subscription() throws {
        var rules = ChannelRules()
        (rules.history, rules.recovery) = (.init(size: 9, age: .seconds(60)), .stream)
        var client = GraphQLDriver(
            .events(.bare), "subscription { channel(name: \"news\", last: 1) { data } }", rules, grants: Self.grants)
        try client.stream("news", ["1", "\"line\\nbreak\""])
        func event(_ data: String) -> String { "event: next\ndata: {\"data\":{\"channel\":{\"data\":\(data)}}}\n\n" }
        #expect(client.resume() == [event("\"line\\nbreak\"")])
        #expect(try client.publish("news", "{\"a\":\n1}") == [event("{\"a\": 1}")] && client.end == nil)
        let channel = try ChannelName("news")
        let heard = client.answer { session in
            guard case .done(let action) = session.unsubscribe(channel) else { return .none }
            return action
        }
        #expect(heard == [Self.complete] && client.end == 1000 && client.joined.isEmpty)
    }

    @Test(
        "an event of the hub has the very bytes of one that was made for its client",
        arguments: StreamDelimiting.allCases)
    func frames(delimiting: StreamDelimiting) throws {
        let field = GraphQLPlanField(
            key: "x", name: "channel", arguments: [:], problem: nil, parent: "Subscription",
            selections: [
                GraphQLPlanField(
                    key: "data", name: "data", arguments: [:], problem: nil, parent: "Publication", selections: [])
            ])
        let selected = GraphQLSelected(selecting: field, for: .events(delimiting))
        let (formats, lead) = (FormatTable(), GraphQLWords.events(delimiting).lead(""))
        let format = try #require(formats.intern(selected.name, as: selected.codec.definition))
        for text in ["1", "text", String(repeating: "x", count: 70_000)] {
            let publication = Publication(channel: try ChannelName("a"), payload: Payload(text: text))
            let frame = try #require(formats.personal(publication, format)?.frame(lead))
            #expect(frame.joined == delimiting.seal(selected.codec.message(lead, publication).bytes))
        }
        // Each way to tell the end of an event is a format of its own.
        let others = StreamDelimiting.allCases.map { GraphQLSelected(selecting: field, for: .events($0)).name }
        #expect(Set(others + [GraphQLSelected(selecting: field, for: .transport).name]).count == 3)
    }
}
