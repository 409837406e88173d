import FanfareWire

/// A valid document to a plan of one of its operations: sections 6.1 (which operation, its variables), 6.3.2 (fields and directives) and
/// 6.4.1 (arguments).
struct GraphQLCompiler {
    private let schema: GraphQLSchema
    private var values: GraphQLValues
    private let collector: GraphQLCollector
    private var budget: GraphQLWork
    private var fields = 0
    private var payloads = 0
    private let mostFields: Int

    static func plan(
        _ document: GraphQLDocument, _ source: GraphQLSource, _ schema: GraphQLSchema, _ request: GraphQLRequest,
        _ work: GraphQLWork
    ) throws(GraphQLError) -> GraphQLPlan {
        let operation = try operation(document, request.operationName)
        let values = try GraphQLValues(operation, source, schema, request.variables)
        var compiler = GraphQLCompiler(document, schema, values, operation.kind, work)
        return GraphQLPlan(
            kind: operation.kind,
            fields: try compiler.compile(
                [operation.selections], of: GraphQLSchema.root(operation.kind), depth: 1))
    }

    /// Section 6.1, GetOperation.
    private static func operation(
        _ document: GraphQLDocument, _ name: ExactText?
    ) throws(GraphQLError) -> GraphQLOperation {
        guard let name else {
            guard document.operations.count == 1, let only = document.operations.first else {
                let isNone = document.operations.isEmpty
                throw GraphQLError(
                    isNone ? "The document has no operation." : "Several operations: operationName must say which.",
                    .badUserInput)
            }
            return only
        }
        guard let operation = document.operations.first(where: { $0.name?.text == name }) else {
            throw GraphQLError("There is no operation '\(GraphQLError.quoted(name))'.", .badUserInput)
        }
        return operation
    }

    private init(
        _ document: GraphQLDocument, _ schema: GraphQLSchema, _ values: GraphQLValues, _ kind: GraphQLOperation.Kind,
        _ work: GraphQLWork
    ) {
        mostFields =
            switch kind {
            case .query: GraphQLBounds.fields
            case .mutation: GraphQLBounds.mutationFields
            case .subscription: GraphQLBounds.subscriptionFields
            }
        self.schema = schema
        self.values = values
        budget = work
        let fragments = Dictionary(document.fragments.map { ($0.name.text, $0) }) { first, _ in first }
        collector = GraphQLCollector(fragments: fragments) { directives throws(GraphQLError) in
            try Self.includes(directives, values)
        }
    }

    /// Sections 3.13.1 and 3.13.2.
    private static func includes(
        _ directives: [GraphQLDirective], _ values: GraphQLValues
    ) throws(GraphQLError) -> Bool {
        for directive in directives {
            guard let condition = directive.arguments.first(where: { $0.name.text == "if" }) else { continue }
            guard let isSet = values.condition(condition.value) else {
                throw GraphQLError(
                    "The condition of '@\(directive.name.text)' has no value.", .badUserInput,
                    at: values.source.location(directive.name.place))
            }
            if isSet == (directive.name.text == "skip") { return false }
        }
        return true
    }

    private mutating func compile(
        _ sets: [[GraphQLSelection]], of parent: ExactText, depth: Int
    ) throws(GraphQLError) -> [GraphQLPlanField] {
        guard depth <= GraphQLBounds.depth else {
            throw GraphQLError("fields are nested deeper than \(GraphQLBounds.depth) levels", .tooComplex)
        }
        var (compiled, copies) = ([GraphQLPlanField](), 0)
        guard let type = schema[parent] else { return compiled }
        for group in try collector.groups(sets, &budget) {
            guard let definition = schema.field(group.first.name.text, of: type) else { continue }
            try count(definition.name, in: parent)
            if parent == "Publication", Self.payload.contains(definition.name) { copies += 1 }
            guard copies <= GraphQLBounds.copies else {
                throw GraphQLError(
                    "of data, text and base64 a publication is asked for \(GraphQLBounds.copies) at most", .tooComplex)
            }
            var (arguments, problem) = ([ExactText: GraphQLInput](), GraphQLError?.none)
            do throws(GraphQLError) {
                arguments = try values.arguments(group.first, definition)
            } catch {
                // What is too much for one field is too much for the operation: it does not go on.
                guard error.code != .tooComplex else { throw error }
                problem = error
                problem?.path = group.key
            }
            compiled.append(
                GraphQLPlanField(
                    key: group.key, name: definition.name, arguments: arguments, problem: problem, parent: parent,
                    selections: try compile(group.selections, of: definition.type.name, depth: depth + 1)))
        }
        return compiled
    }

    private mutating func count(_ name: ExactText, in parent: ExactText) throws(GraphQLError) {
        fields += 1
        guard fields <= mostFields else {
            throw GraphQLError("the operation has more than \(mostFields) fields", .tooComplex)
        }
        guard Self.big[parent]?.contains(name) == true else { return }
        payloads += 1
        guard payloads <= GraphQLBounds.payloads else {
            throw GraphQLError(
                "the operation has more than \(GraphQLBounds.payloads) of the fields that may be big: \(name)",
                .tooComplex)
        }
    }

    /// Fields of a publication that have its payload.
    private static let payload: [ExactText] = ["data", "text", "base64"]

    /// Fields that may be as big as a client may make them: aliases would multiply each publication.
    private static let big: [ExactText: [ExactText]] = [
        "Publication": ["channel", "data", "text", "base64"], "Tag": ["name", "value"],
        "ClientInfo": ["user", "connInfo", "chanInfo"],
    ]
}
