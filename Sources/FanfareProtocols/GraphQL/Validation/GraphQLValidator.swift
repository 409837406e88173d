import FanfareWire

/// Whether a document fits the schema (spec section 5). Every definition is walked once, and nothing is executed.
///
/// What a document makes the node do is counted step by step and ends at ``GraphQLBounds/work``, of a short one sooner: fragments that spread each other
/// multiply, and a document pays for what they come to.
struct GraphQLValidator {
    /// A variable's use: section 5.8.
    struct Use {
        let name: ExactText
        let place: Int
        /// What the place takes; `nil`: anything, within JSON.
        let type: GraphQLTypeReference?
        let hasDefault: Bool
    }

    /// What an operation or fragment uses itself, without its fragments.
    struct Scope {
        var uses: [Use] = []
        var spreads: [ExactText] = []
    }

    let schema: GraphQLSchema
    let document: GraphQLDocument
    let source: GraphQLSource
    let fragments: [ExactText: GraphQLFragment]
    var budget: GraphQLWork
    var errors: [GraphQLError] = []
    /// What is being walked.
    var scope = Scope()

    /// Checks a document.
    ///
    /// - Parameter work: what is left of it may be spent on the plan.
    /// - Returns: the first ``GraphQLBounds/errors`` of what is wrong; none: it may be executed.
    /// - Throws: the document is more work than one may be.
    static func errors(
        _ document: GraphQLDocument, _ source: GraphQLSource, _ schema: GraphQLSchema, _ work: inout GraphQLWork
    ) throws(GraphQLError) -> [GraphQLError] {
        var validator = GraphQLValidator(schema, document, source, work)
        try validator.validate()
        work = validator.budget
        return Array(validator.errors.prefix(GraphQLBounds.errors))
    }

    private init(
        _ schema: GraphQLSchema, _ document: GraphQLDocument, _ source: GraphQLSource, _ work: GraphQLWork
    ) {
        self.schema = schema
        self.document = document
        self.source = source
        fragments = Dictionary(document.fragments.map { ($0.name.text, $0) }) { first, _ in first }
        budget = work
    }

    mutating func add(_ message: String, at place: Int) {
        guard errors.count < GraphQLBounds.errors else { return }
        errors.append(GraphQLError(message, .validation, at: source.location(place)))
    }

    private mutating func validate() throws(GraphQLError) {
        checkNames()
        var scopes: [ExactText: Scope] = [:]
        for fragment in document.fragments {
            scope = Scope()
            try walk(fragment)
            if scopes[fragment.name.text] == nil { scopes[fragment.name.text] = scope }
        }
        var reached: Set<ExactText> = []
        for operation in document.operations {
            scope = Scope()
            try walk(operation)
            let (uses, names) = try all(scope, scopes)
            reached.formUnion(names)
            checkVariables(operation, uses)
        }
        // Section 5.5.1.4.
        for fragment in document.fragments where !reached.contains(fragment.name.text) {
            add("Fragment '\(GraphQLError.quoted(fragment.name.text))' is never used.", at: fragment.name.place)
        }
        try checkCycles(scopes)
        // What follows puts fragments in their places, so these have to be right.
        guard errors.isEmpty else { return }
        for operation in document.operations {
            let root = try GraphQLMerge(fragments).check(operation, &budget)
            if let problem = root.problem { add(problem.message, at: problem.place) }
            try checkRoot(operation, root.fields)
        }
    }

    /// Sections 5.2.1.1, 5.2.2.1 and 5.5.1.1.
    private mutating func checkNames() {
        var names: Set<ExactText> = []
        for operation in document.operations {
            guard let name = operation.name else {
                if document.operations.count > 1 {
                    add("An operation without a name must be the only one.", at: operation.place)
                }
                continue
            }
            if !names.insert(name.text).inserted {
                add("There can be only one operation '\(GraphQLError.quoted(name.text))'.", at: name.place)
            }
        }
        names = []
        for fragment in document.fragments where !names.insert(fragment.name.text).inserted {
            let name = GraphQLError.quoted(fragment.name.text)
            add("There can be only one fragment '\(name)'.", at: fragment.name.place)
        }
    }

    private mutating func walk(_ operation: GraphQLOperation) throws(GraphQLError) {
        try check(operation.directives, on: Self.location(operation.kind))
        for variable in operation.variables {
            try check(variable.directives, on: "VARIABLE_DEFINITION")
            guard let type = schema[variable.type.name] else {
                add("Unknown type '\(GraphQLError.quoted(variable.type.name))'.", at: variable.typePlace)
                continue
            }
            guard type.isInput else {
                add(
                    "Variable '$\(GraphQLError.quoted(variable.name.text))' can't be of type '\(variable.type)'.",
                    at: variable.typePlace)
                continue
            }
            if let value = variable.defaultValue { try check(value, variable.type) }
        }
        guard let type = schema[GraphQLSchema.root(operation.kind)] else { return }
        try walk(operation.selections, type)
    }

    private static func location(_ kind: GraphQLOperation.Kind) -> ExactText {
        switch kind {
        case .query: "QUERY"
        case .mutation: "MUTATION"
        case .subscription: "SUBSCRIPTION"
        }
    }

    private mutating func walk(_ fragment: GraphQLFragment) throws(GraphQLError) {
        try check(fragment.directives, on: "FRAGMENT_DEFINITION")
        guard let type = condition(fragment.type) else { return }
        try walk(fragment.selections, type)
    }

    /// Sections 5.5.1.2 and 5.5.1.3.
    private mutating func condition(_ name: GraphQLName) -> GraphQLType? {
        guard let type = schema[name.text] else {
            add("Unknown type '\(GraphQLError.quoted(name.text))'.", at: name.place)
            return nil
        }
        guard type.fields != nil else {
            add("A fragment can't be on '\(type.name)', which has no fields.", at: name.place)
            return nil
        }
        return type
    }

    private mutating func walk(_ selections: [GraphQLSelection], _ type: GraphQLType) throws(GraphQLError) {
        for selection in selections {
            try budget.spend()
            switch selection {
            case .field(let field): try walk(field, type)
            case .spread(let name, let directives):
                try check(directives, on: "FRAGMENT_SPREAD")
                scope.spreads.append(name.text)
                // Section 5.5.2.1.
                guard let fragment = fragments[name.text] else {
                    add("Unknown fragment '\(GraphQLError.quoted(name.text))'.", at: name.place)
                    continue
                }
                checkSpread(of: fragment.type.text, in: type, at: name.place)
            case .inline(let name, let directives, let selections, let place):
                try check(directives, on: "INLINE_FRAGMENT")
                guard let name else {
                    try walk(selections, type)
                    continue
                }
                guard let inner = condition(name) else { continue }
                checkSpread(of: inner.name, in: type, at: place)
                try walk(selections, inner)
            }
        }
    }

    /// Section 5.5.2.3.1: without interfaces and unions a fragment can only be on the type itself.
    private mutating func checkSpread(of name: ExactText, in type: GraphQLType, at place: Int) {
        guard name != type.name, schema[name]?.fields != nil else { return }
        add("A fragment on '\(name)' can't be spread here, in '\(type.name)'.", at: place)
    }

    private mutating func walk(_ field: GraphQLField, _ parent: GraphQLType) throws(GraphQLError) {
        try check(field.directives, on: "FIELD")
        // Section 5.3.1.
        guard let definition = schema.field(field.name.text, of: parent) else {
            let name = GraphQLError.quoted(field.name.text)
            return add("Cannot query field '\(name)' on type '\(parent.name)'.", at: field.name.place)
        }
        try check(field.arguments, definition.arguments, of: field.name)
        guard let type = schema[definition.type.name] else { return }
        // Section 5.3.3.
        if type.isLeaf, !field.selections.isEmpty {
            add(
                "Field '\(definition.name)' of type '\(definition.type)' has no fields to select.", at: field.name.place
            )
        } else if !type.isLeaf, field.selections.isEmpty {
            add(
                "Field '\(definition.name)' of type '\(definition.type)' needs a selection of fields.",
                at: field.name.place)
        } else if !type.isLeaf {
            try walk(field.selections, type)
        }
    }
}

/// Steps that are left.
struct GraphQLWork {
    private(set) var left: Int

    /// - Parameter bytes: what its client sent for it. A document pays by its length for what its fragments and aliases come to.
    init(for bytes: Int) { left = min(GraphQLBounds.work, GraphQLBounds.freeWork + bytes) }

    mutating func spend(_ steps: Int = 1) throws(GraphQLError) {
        guard steps <= left else { throw .tooMuchWork }
        left -= steps
    }
}

extension GraphQLError {
    static let tooMuchWork = GraphQLError("the operation is more work than one may be", .tooComplex)
}
