import FanfareWire
import Testing

@testable import FanfareProtocols

/// Section numbers are those of the GraphQL specification of October 2021.
@Suite("GraphQL documents")
struct GraphQLParserTests {
    private static func parse(_ text: String) throws -> GraphQLDocument {
        try GraphQLParser.parse(GraphQLSource(bytes: Array(text.utf8)))
    }

    private static func problem(_ text: String) -> GraphQLError? {
        do throws(GraphQLError) {
            _ = try GraphQLParser.parse(GraphQLSource(bytes: Array(text.utf8)))
            return nil
        } catch {
            return error
        }
    }

    /// The value of the only argument of the only field.
    private static func value(_ text: String) throws -> GraphQLLiteral.Value? {
        guard case .field(let field) = try parse("{ f(a: \(text)) }").operations.first?.selections.first else {
            return nil
        }
        return field.arguments.first?.value.value
    }

    @Test("an operation has its kind, name, variables, directives and selections (2.3 to 2.12)")
    func operation() throws {
        let document = try Self.parse(
            "\u{FEFF}subscription S($a: [Int!]! = [1], $b: T @d) @on(if: $a) { x: channel(name: $b) @skip(if: true) { ...F, ... on P { id } } } fragment F on P { data }"
        )
        let operation = try #require(document.operations.first)
        #expect(operation.kind == .subscription && operation.name?.text == "S" && operation.variables.count == 2)
        #expect("\(operation.variables[0].type)" == "[Int!]!" && operation.variables[1].directives.count == 1)
        guard case .field(let field) = operation.selections.first else {
            Issue.record("no field")
            return
        }
        #expect(field.key == "x" && field.name.text == "channel" && field.directives.count == 1)
        #expect(field.selections.count == 2 && document.fragments.map(\.name.text) == ["F"])
    }

    @Test("values are what they say (2.9)")
    func values() throws {
        #expect(try Self.value("-0") == .int("-0"))
        #expect(try Self.value("6.02e23") == .float("6.02e23"))
        #expect(try Self.value(#""a\n\u00e9\uD83D\uDE00\"""#) == .string("a\né😀\""))
        #expect(try Self.value("null") == .null)
        #expect(try Self.value("NULL") == .enumeration("NULL"))
        guard case .object(let fields) = try Self.value("{a: [1 2,3], b: $c}") else {
            Issue.record("no object")
            return
        }
        #expect(fields.map(\.name.text) == ["a", "b"] && fields[1].value.value == .variable("c"))
    }

    @Test("a block string loses its common indentation and its blank first and last lines (2.9.4)")
    func block() throws {
        let text = "\"\"\"\n\n    Hello,\r\n      World!\n\n    \\\"\"\" Yours\n  \n\"\"\""
        #expect(try Self.value(text) == .string("Hello,\n  World!\n\n\"\"\" Yours"))
        #expect(try Self.value("\"\"\"\"\"\"") == .string(""))
        #expect(try Self.value("\"\"") == .string(""))
    }

    @Test(
        "what is no document is refused, with its place",
        arguments: [
            ("", 1, 1), ("{", 1, 2), ("{ }", 1, 3), ("{ a(b: 01) }", 1, 9), ("{ a(b: 1.) }", 1, 10),
            ("{ a(b: 1x) }", 1, 9),
            ("{\n  é }", 2, 3), ("{ a(b: \"\n\") }", 1, 9), ("{ a(b: \"\\q\") }", 1, 9),
            ("{ a(b: \"\\uD800\") }", 1, 9),
            ("fragment on on T { a }", 1, 10), ("query ($a: Int = $b) { a }", 1, 18), ("{ a() }", 1, 5),
            ("query () { a }", 1, 8),
            ("type T { a: Int }", 1, 1), ("{ a ..b }", 1, 5), ("{ a(b: \"é\" # c\r\n  ?) }", 2, 3),
            ("{ a(b: \"\u{7}\") }", 1, 9),
            ("{ a @ b(c: $) }", 1, 13),
        ])
    func refused(text: String, line: Int, column: Int) {
        let error = Self.problem(text)
        #expect(
            error?.code == .syntax && error?.location == .init(line: line, column: column),
            "\(String(describing: error))")
    }

    @Test("bytes, tokens and nesting are bounded, and what is above costs no more than finding it out")
    func bounds() {
        #expect(Self.problem("{ a " + String(repeating: " ", count: 40_000) + "}")?.code == .tooComplex)
        #expect(Self.problem("{ " + String(repeating: "a ", count: 5_000) + "}")?.code == .tooComplex)
        #expect(Self.problem(String(repeating: "{a", count: 1_500))?.code == .tooComplex)
        #expect(Self.problem("{ a(b: " + String(repeating: "[", count: 4_000))?.code == .tooComplex)
        #expect(Self.problem("query ($a: " + String(repeating: "[", count: 4_000))?.code == .tooComplex)
        #expect(Self.problem(String(repeating: "{a", count: 20) + String(repeating: "}", count: 20)) == nil)
    }
}
