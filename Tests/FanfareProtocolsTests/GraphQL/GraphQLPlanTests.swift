import FanfareCore
import FanfareWire
import NIOCore
import Testing

@testable import FanfareProtocols

/// What the oracle of the conformance tests does not say: bounds, words, and what a plan has.
@Suite("GraphQL plans")
struct GraphQLPlanTests {
    private static func plan(_ text: String, _ variables: String? = nil) -> Result<GraphQLPlan, GraphQLFailure> {
        let value = variables.flatMap { JSONMembers(ByteBuffer(string: "{\"v\":\($0)}"))?["v"] }
        do throws(GraphQLFailure) {
            return .success(try GraphQLRequest(query: text, variables: value).plan())
        } catch {
            return .failure(error)
        }
    }

    private static func code(_ text: String, _ variables: String? = nil) -> GraphQLError.Code? {
        if case .failure(let failure) = plan(text, variables) { failure.errors.first?.code } else { nil }
    }

    /// What a node without channels answers.
    private static func answer(_ text: String, maxBytes: Int = .max) throws -> String {
        var (buffer, answer, place) = (ByteBuffer(), GraphQLAnswer(try plan(text).get()), Int?.none)
        while let (next, field) = answer.next(after: place) {
            place = next
            answer.set(.success(GraphQLAnswer.introspection(field)), at: next)
        }
        answer.write(maxBytes: maxBytes, into: &buffer)
        return String(buffer: buffer)
    }

    @Test("fragments, aliases and directives are gone from a plan, and arguments have their values")
    func compiled() throws {
        let text = """
            subscription S($c: String!, $all: Boolean = false) { x: channel(name: $c, last: 2) { ...A offset ... @include(if: $all) { epoch } } }
            fragment A on Publication { d: data ...B } fragment B on Publication { d: data offset tags @skip(if: $all) { name } }
            """
        let plan = try Self.plan(text, #"{"c":"news"}"#).get()
        let field = try #require(plan.fields.first)
        #expect(plan.kind == .subscription && field.key == "x" && field.name == "channel")
        #expect(field.arguments == ["name": .string("news"), "last": .int(2)])
        #expect(field.selections.map(\.key) == ["d", "offset", "tags"])
        #expect(field.selections[2].selections.map(\.name) == ["name"])
    }

    @Test("JSON is what was written, and a variable within it is what was sent")
    func json() throws {
        let text =
            "mutation ($v: JSON!) { publish(channel: \"a\", data: {n: 1.50, w: WORD, v: $v, s: \"\\\"\"}) { offset } }"
        let plan = try Self.plan(text, #"{"v":{"a": [1.0]}}"#).get()
        #expect(plan.fields[0].arguments["data"] == .json(#"{"n":1.50,"w":"WORD","v":{"a": [1.0]},"s":"\""}"#))
    }

    @Test("JSON comes to twice what the client sent, whatever a variable is used for")
    func expansion() throws {
        func publishes(_ count: Int, _ data: String) -> String {
            "mutation ($v: JSON!) { \((0..<count).map { "a\($0): publish(channel: \"a\", data: \(data)) { offset }" }.joined(separator: " ")) }"
        }
        func uses(_ count: Int) -> String { "[" + String(repeating: "$v ", count: count) + "]" }
        let big = "{\"v\":\"\(String(repeating: "x", count: 20_000))\"}"
        for text in [publishes(1, uses(1)), publishes(1, "$v"), publishes(2, "$v"), publishes(1, "{a: [$v], b: 1}")] {
            #expect(try Self.plan(text, big).get().fields.allSatisfy { $0.problem == nil })
        }
        for text in [
            publishes(1, uses(3)), publishes(1, uses(1_300)), publishes(4, "$v"), publishes(8, "[$v]"),
            publishes(1, "{a: $v, b: {c: $v, d: [$v]}}"),
        ] {
            #expect(Self.code(text, big) == .tooComplex)
        }
        // A list of inputs is no JSON by itself, but within JSON it becomes some.
        let tag = "{\"v\":{\"name\":\"\(String(repeating: "n", count: 20_000))\",\"value\":\"\"}}"
        #expect(
            Self.code("mutation ($v: [TagInput!]) { publish(channel: \"a\", data: \(uses(3))) { offset } }", tag)
                == .tooComplex)
        // What is short goes to several channels.
        #expect(try Self.plan(publishes(8, "{m: $v}"), #"{"v":"hello, all of you"}"#).get().fields.count == 8)
    }

    @Test("a type has as many lists within each other as the schema's, which is one, so a value is in no more")
    func lists() throws {
        func document(_ depth: Int) -> String {
            let type = String(repeating: "[", count: depth) + "JSON" + String(repeating: "]", count: depth)
            return "mutation ($v: \(type)) { publish(channel: \"a\", data: [$v]) { offset } }"
        }
        let one = #"{"v":1}"#
        #expect(try Self.plan(document(1), one).get().fields[0].arguments["data"] == .json("[[1]]"))
        #expect(Self.code(document(2), one) == .tooComplex && Self.code(document(31), one) == .tooComplex)
    }

    @Test("values of variables take steps, each time that they are looked at, and those that were sent pay for them")
    func elements() throws {
        func list(_ count: Int, _ element: String) -> String {
            "{\"v\":[\(Array(repeating: element, count: count).joined(separator: ","))]}"
        }
        let numbers = "mutation ($v: [Int]) { publish(channel: \"a\", data: {n: $v}) { offset } }"
        #expect(try Self.plan(numbers, list(1_500, "1")).get().fields.count == 1)
        #expect(Self.code(numbers, list(30_000, "1")) == .tooComplex)
        // What is no list is not looked through.
        let whole = "mutation ($v: JSON!) { publish(channel: \"a\", data: $v) { offset } }"
        #expect(try Self.plan(whole, list(30_000, "1")).get().fields.count == 1)
        let tag = #"{"name":"n","value":"v"}"#
        let publish = "publish(channel: \"a\", data: 1, tags: $v) { offset }"
        func tags(_ count: Int) -> String {
            "mutation ($v: [TagInput!]) { \((0..<count).map { "a\($0): \(publish)" }.joined(separator: " ")) }"
        }
        #expect(try Self.plan(tags(8), list(32, tag)).get().fields.count == 8)
        #expect(Self.code(tags(1), list(2_000, tag)) == .tooComplex)
        #expect(Self.code(tags(8), list(300, tag)) == .tooComplex)
    }

    @Test("arguments are the same where their bytes are, and not where they only look alike (5.3.2)")
    func exact() throws {
        func document(_ one: String, _ other: String) -> String {
            "{ history(channel: \"a\", since: \"\(one)\") { epoch } history(channel: \"a\", since: \"\(other)\") { offset } }"
        }
        #expect(try Self.plan(document("\u{e9}", "\u{e9}")).get().fields.count == 1)
        // Canonically equivalent, and another text for Redis.
        #expect(Self.code(document("\u{e9}", "e\u{301}")) == .validation)
    }

    @Test("what fragments make be compared again and again is paid for, and so are many operations")
    func comparisons() throws {
        let object = "{\((0..<120).map { "k\($0): \($0)" }.joined(separator: " "))}"
        let publish = "a: publish(channel: \"a\", data: \(object)) { offset }"
        let fragment = "fragment F on Mutation { \(publish) \(publish) \(publish) }"
        #expect(try Self.plan("mutation { ...F } \(fragment)").get().fields.count == 1)
        let many = (0..<12).map { "mutation M\($0) { ...F }" }.joined(separator: " ")
        #expect(Self.code("\(many) \(fragment)") == .tooComplex)
        #expect(Self.code((0..<17).map { "query Q\($0) { node { name } }" }.joined()) == .tooComplex)
        let named = (0..<16).map { "query Q\($0) { node { name } }" }.joined()
        // One of them has to be chosen.
        #expect(Self.code(named) == .badUserInput)
    }

    @Test("an error says what, where, and for programs which kind")
    func errors() throws {
        guard case .failure(let failure) = Self.plan("{\n  nodes { name }\n}") else {
            Issue.record("no failure")
            return
        }
        #expect(
            String(buffer: failure.answer)
                == #"{"errors":[{"message":"Cannot query field 'nodes' on type 'Query'.","locations":[{"line":2,"column":3}],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}"#
        )
        #expect(
            Self.code("query ($a: Int) { history(channel: \"a\", last: $a) { offset } }", #"{"a":1.5}"#)
                == .badUserInput)
        #expect(Self.code("query A { node { name } } query B { node { name } }") == .badUserInput)
        #expect(
            Self.code("subscription { a: channel(name: \"a\") { data } b: channel(name: \"b\") { data } }")
                == .validation)
        #expect(Self.code("subscription { channel(name: \"a\") @skip(if: true) { data } }") == .validation)
        #expect(
            Self.code(
                "subscription { ...A } fragment A on Subscription { channel(name: \"a\") @skip(if: true) { data } }")
                == .validation)
        #expect(Self.code("subscription { __typename }") == .validation)
    }

    @Test(
        "fragments and aliases that multiply are refused before they are executed",
        arguments: [
            // Sixteen fragments, each with the next one twice: 65,536 fields.
            (0..<16).map { "fragment F\($0) on __Type { a: ofType { ...F\($0 + 1) } b: ofType { ...F\($0 + 1) } }" }
                .joined()
                + " fragment F16 on __Type { name } { __type(name: \"Int\") { ...F0 } }",
            "{ __type(name: \"Int\") { \((0..<1_100).map { "a\($0): name" }.joined(separator: " ")) } }",
            "{ \((0..<17).map { "a\($0): node { name }" }.joined(separator: " ")) }",
            "subscription { channel(name: \"a\") { \((0..<13).map { "a\($0): channel" }.joined(separator: " ")) } }",
            // Three copies of what may be the biggest message.
            "subscription { channel(name: \"a\") { data text base64 } }",
            "subscription { channel(name: \"a\") { data ...A } } fragment A on Publication { b: data c: data }",
            "{ history(channel: \"a\") { publications { data text base64 } } }",
            "subscription { channel(name: \"a\") { \((0..<64).map { "a\($0): epoch" }.joined(separator: " ")) } }",
            "mutation { publish(channel: \"a\", data: 1) { \((0..<64).map { "a\($0): epoch" }.joined(separator: " ")) } }",
            // Deeper than any document could be without its fragments.
            (0..<5).map {
                "fragment F\($0) on __Type { \(String(repeating: "ofType { ", count: 8))...F\($0 + 1)\(String(repeating: " }", count: 9)) "
            }.joined() + "fragment F5 on __Type { name } { __type(name: \"Int\") { ...F0 } }",
        ])
    func bombs(text: String) {
        let code = Self.code(text)
        #expect(code == .tooComplex, "\(String(describing: code))")
    }

    @Test("a cycle of fragments is found, however it is entered (5.5.2.2)")
    func cycles() {
        let ring = (0..<300).map { "fragment F\($0) on Node { name ...F\(($0 + 1) % 300) }" }.joined(separator: " ")
        #expect(Self.code("{ node { ...F7 } } " + ring) == .validation)
        #expect(Self.code("{ node { ...A } } fragment A on Node { ...A }") == .validation)
    }

    @Test("introspection that multiplies is cut by what its answer may have")
    func introspection() throws {
        let wide = "{ __schema { types { \((0..<400).map { "a\($0): fields { name }" }.joined(separator: " ")) } } }"
        #expect(try Self.answer(wide).contains("TOO_COMPLEX"))
        #expect(try Self.answer("{ __schema { types { name } } }", maxBytes: 100).contains("TOO_COMPLEX"))
        #expect(
            try Self.answer(
                "{ a: __typename __type(name: \"Tag\") { kind fields { name type { kind ofType { name } } } } }")
                == #"{"data":{"a":"Query","__type":{"kind":"OBJECT","fields":[{"name":"name","type":{"kind":"NON_NULL","ofType":{"name":"String"}}},{"name":"value","type":{"kind":"NON_NULL","ofType":{"name":"String"}}}]}}}"#
        )
    }

    @Test("every type that the schema names is there")
    func schema() {
        let schema = GraphQLSchema.standard
        for type in schema.types {
            for field in type.fields ?? [] {
                #expect(
                    schema[field.type.name]?.isInput == false || schema[field.type.name]?.isLeaf == true,
                    "\(field.name)")
                for argument in field.arguments {
                    #expect(schema[argument.type.name]?.isInput == true, "\(argument.name)")
                }
            }
            for field in type.inputFields ?? [] { #expect(schema[field.type.name]?.isInput == true, "\(field.name)") }
        }
        #expect(schema.types.count == 24)
    }
}
