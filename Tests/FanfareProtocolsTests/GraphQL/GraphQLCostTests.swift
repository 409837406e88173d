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
        #expect(client.work - before >= Turn.work)
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

    @Test("what a mutation is told counts among what waits for the client, for nobody asked for room")
    func mutations() {
        var client = GraphQLDriver.connected()
        let before = client.credited
        _ = client.start("m", "mutation { publish(channel: \"x\", data: 1) { offset } }")
        let heard = client.answer { $0.published(id: 1, .success(PublishReceipt())) }
        #expect(heard.count == 2 && client.credited == before)
    }
}
