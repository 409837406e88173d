import FanfareTestKit

@testable import FanfareProtocols

/// Documents by chance: most fit the schema, with fragments, variables, aliases and directives; others have one thing wrong with them.
struct GraphQLGenerator {
    private var random: SeededRandom
    private let schema = GraphQLSchema.standard
    private var fragments: [(name: String, text: String)] = []
    private var variables: [(name: String, type: String, value: String?)] = []
    private var names = 0

    struct Case {
        var query: String
        /// JSON.
        var variables: String
        var operationName: String?
    }

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    private mutating func chance(_ part: Int) -> Bool { Int.random(in: 0..<part, using: &random) == 0 }

    private mutating func pick<Value>(_ values: [Value]) -> Value {
        values[Int.random(in: 0..<values.count, using: &random)]
    }

    private mutating func name(_ prefix: String) -> String {
        names += 1
        return "\(prefix)\(names)"
    }

    mutating func next() -> Case {
        (fragments, variables, names) = ([], [], 0)
        let kind = pick([GraphQLOperation.Kind.query, .query, .query, .mutation, .subscription])
        let root = GraphQLSchema.root(kind).string
        let body = selections(root, depth: 0, isSubscription: kind == .subscription)
        let isNamed = chance(2)
        var text = "\(kind.rawValue)\(isNamed ? " Op" : "")"
        if kind == .query, variables.isEmpty, !isNamed, chance(2) { text = "" }
        if !variables.isEmpty {
            text += "(" + variables.map { "$\($0.name): \($0.type)" }.joined(separator: pick([", ", " "])) + ")"
        }
        text += " " + body
        for fragment in fragments { text += pick(["\n", " "]) + fragment.text }
        var operationName = isNamed && chance(2) ? "Op" : nil
        if chance(12) {
            text += "\nquery Other { node { name } }"
            if isNamed { operationName = pick(["Op", "Other", "None"]) }
        }
        if chance(3) { text = broken(text) }
        let values = variables.compactMap { variable in variable.value.map { "\"\(variable.name)\":\($0)" } }
        return Case(query: text, variables: "{" + values.joined(separator: ",") + "}", operationName: operationName)
    }

    // MARK: What fits

    private mutating func selections(_ type: String, depth: Int, isSubscription: Bool = false) -> String {
        let fields = schema[.init(type)]?.fields ?? []
        var parts: [String] = []
        let count = isSubscription ? 1 : Int.random(in: 1...4, using: &random)
        for _ in 0..<count {
            switch isSubscription ? 0 : Int.random(in: 0..<12, using: &random) {
            case 0 where type == "Query" && depth == 0:
                parts.append(chance(2) ? field(introspection: "__schema", "__Schema", "", depth) : typeField(depth))
            case 1: parts.append(chance(2) ? "__typename" : "\(name("a")): __typename")
            case 2 where depth < 5:
                let condition = chance(2) ? "on \(type) " : ""
                parts.append("... \(condition)\(directives())\(selections(type, depth: depth + 1))")
            case 3 where depth < 5: parts.append(spread(type, depth))
            default:
                // Leaves are looked for at the bottom.
                let some = depth < 6 ? fields : fields.filter { schema[$0.type.name]?.isLeaf == true }
                guard !some.isEmpty else {
                    parts.append("__typename")
                    continue
                }
                parts.append(field(pick(some), depth, isSubscription: isSubscription))
            }
        }
        return "{ " + parts.joined(separator: pick([" ", ", ", "\n# note\n"])) + " }"
    }

    private mutating func typeField(_ depth: Int) -> String {
        let argument = pick(schema.types.map(\.name.string) + ["Nothing"])
        let value = chance(3) ? variable("String!", "\"\(argument)\"") : "\"\(argument)\""
        return field(introspection: "__type", "__Type", "(name: \(value))", depth)
    }

    private mutating func field(introspection name: String, _ type: String, _ arguments: String, _ depth: Int) -> String
    {
        "\(self.name("i")): \(name)\(arguments) \(selections(type, depth: depth + 2))"
    }

    private mutating func spread(_ type: String, _ depth: Int) -> String {
        let directives = directives()
        let known = fragments.filter { $0.text.hasPrefix("fragment \($0.name) on \(type) ") }
        if !known.isEmpty, chance(2) { return "...\(pick(known).name) \(directives)" }
        let name = name("F")
        let text = "fragment \(name) on \(type) \(selections(type, depth: depth + 1))"
        fragments.append((name, text))
        return "...\(name) \(directives)"
    }

    private mutating func field(_ field: GraphQLFieldDefinition, _ depth: Int, isSubscription: Bool) -> String {
        var text = field.name.string
        var arguments: [String] = []
        for argument in field.arguments where argument.isRequired || chance(3) {
            arguments.append("\(argument.name): \(value(argument.type))")
        }
        if !arguments.isEmpty { text += "(" + arguments.shuffled(using: &random).joined(separator: " ") + ")" }
        // Without an alias of its own it could conflict with another.
        if !arguments.isEmpty || chance(3) { text = "\(name("a")): \(text)" }
        if !isSubscription { text += " " + directives() }
        guard schema[field.type.name]?.isLeaf == false else { return text }
        return "\(text) \(selections(field.type.name.string, depth: depth + 1))"
    }

    private mutating func directives() -> String {
        guard chance(5) else { return "" }
        let value = chance(2) ? pick(["true", "false"]) : variable("Boolean!", pick(["true", "false"]))
        return "\(pick(["@skip", "@include"]))(if: \(value)) "
    }

    private mutating func variable(_ type: String, _ value: String) -> String {
        let name = name("v")
        let isNullable = chance(4)
        if isNullable, type.hasSuffix("!") {
            // A default makes up for it.
            // What a condition without a value means the edition does not say: here it is known before anything is executed.
            let others = type == "Boolean!" ? [value] : [value, value, "null"]
            variables.append((name, "\(type.dropLast()) = \(value)", chance(2) ? pick(others) : nil))
        } else {
            variables.append((name, type, chance(15) ? pick(["null", "\"x\"", "7", "[1]"]) : value))
        }
        return "$\(name)"
    }

    private mutating func value(_ type: GraphQLTypeReference) -> String {
        if chance(4) {
            switch "\(type)" {
            case "String!", "String": return variable("\(type)", pick(["\"a\"", "\"é\\n\""]))
            case "Int": return variable("Int", pick(["1", "2.0", "-7", "2147483647", "2147483648", "1.5"]))
            case "Boolean": return variable("Boolean", "true")
            case "JSON!": return variable("JSON!", pick(["1", "{\"a\":[1,null]}", "\"x\""]))
            case "[TagInput!]":
                return variable(
                    "[TagInput!]",
                    pick([
                        "[]", "null", "[{\"name\":\"a\",\"value\":\"b\"}]", "{\"name\":\"a\",\"value\":\"b\"}",
                        "[{\"name\":\"a\"}]", "[{\"name\":\"a\",\"value\":\"b\",\"more\":1}]", "[null]",
                    ]))
            default: break
            }
        }
        switch type {
        case .nonNull(let type): return literal(type)
        case .named, .list: return chance(8) ? "null" : literal(type)
        }
    }

    private mutating func literal(_ type: GraphQLTypeReference) -> String {
        switch type {
        case .nonNull(let inner): return literal(inner)
        case .list(let inner):
            if chance(4) { return literal(inner) }
            return "[" + (0..<Int.random(in: 0...2, using: &random)).map { _ in literal(inner) }.joined(separator: " ")
                + "]"
        case .named("String"): return pick(["\"a\"", "\"\"\"\n  b\n    c\n\"\"\"", "\"\\u00e9 \\\"\""])
        case .named("Int"): return pick(["1", "0", "-5", "2147483647"])
        case .named("Boolean"): return pick(["true", "false"])
        case .named("TagInput"): return "{ name: \(value(.nonNull(.named("String")))), value: \"v\" }"
        case .named: return pick(["1", "{ a: [1, 2.5e3, WORD], b: { c: null } }", "\"x\"", "[true]"])
        }
    }

    // MARK: What does not

    private mutating func broken(_ text: String) -> String {
        let replacements: [(String, String)] = [
            ("node", "nodes"), ("name", "nome"), ("(channel:", "(chanel:"), ("\"a\"", "7"), ("@skip", "@skop"),
            ("if:", "on:"),
            ("$v1", "$v9"), ("on Publication", "on Tag"), ("on Query", "on Nothing"), ("on Query", "on JSON"),
            ("String!", "String"), ("Boolean!", "Int!"), ("Int", "Nope"), ("JSON!", "Publication"),
            ("{ name", "{ name { x }"),
            ("...F", "...G"), ("fragment F", "fragment E"), ("{", "{ x: __typename x: node "), ("{", "{ }"),
            ("@include(if: true)", "@include(if: true) @include(if: false)"), (")", " zzz: 1)"), ("}", "} }"),
            ("channel: \"a\"", "channel: \"a\" channel: \"b\""), ("value: \"v\"", "value: \"v\" value: \"w\""),
            ("Op", "Op @include(if: true)"), ("query", "query Op { __typename } query"), ("{ a", "{ b: a"),
            ("(", "()("), ("\"", "'"), ("...", ".."), (":", ": :"), ("last: ", "last: 99999999999"),
            ("first: 1", "first: 01"),
        ]
        switch Int.random(in: 0..<8, using: &random) {
        case 0:
            // One character less, or another one.
            var characters = Array(text)
            let place = Int.random(in: 0..<characters.count, using: &random)
            if chance(2) { characters.remove(at: place) } else { characters[place] = pick(Array("{}()[]!$@:\"a1.,#-")) }
            return String(characters)
        case 1: return text + " fragment Unused on Query { node { name } }"
        case 2: return text + " fragment A on Node { ...B } fragment B on Node { ...A } query Z { node { ...A } }"
        case 3:
            // One selection twice, with another meaning perhaps.
            return text.replacing("a1:", with: "a2:", maxReplacements: 1)
        default:
            let (old, new) = pick(replacements.filter { text.contains($0.0) } + [("}", "} {")])
            return text.replacing(old, with: new, maxReplacements: chance(2) ? 1 : .max)
        }
    }
}
