import FanfareWire

/// What can only be said of an operation with all its fragments.
extension GraphQLValidator {
    /// Everything that an operation uses, and the fragments that it reaches: each once, so that cycles end.
    mutating func all(
        _ scope: Scope, _ scopes: [ExactText: Scope]
    ) throws(GraphQLError) -> (uses: [Use], reached: Set<ExactText>) {
        var (uses, reached, waiting) = (scope.uses, Set<ExactText>(), scope.spreads)
        while let name = waiting.popLast() {
            try budget.spend()
            guard reached.insert(name).inserted, let other = scopes[name] else { continue }
            try budget.spend(other.uses.count)
            uses += other.uses
            waiting += other.spreads
        }
        return (uses, reached)
    }

    /// Section 5.5.2.2: no fragment spreads itself, by whichever way.
    mutating func checkCycles(_ scopes: [ExactText: Scope]) throws(GraphQLError) {
        // Fragments from which no cycle is reached.
        var done: Set<ExactText> = []
        for fragment in document.fragments where !done.contains(fragment.name.text) {
            var path: [(name: ExactText, next: Int)] = [(fragment.name.text, 0)]
            var onPath: Set<ExactText> = [fragment.name.text]
            while let (name, next) = path.last {
                try budget.spend()
                guard let spreads = scopes[name]?.spreads, next < spreads.count else {
                    path.removeLast()
                    onPath.remove(name)
                    done.insert(name)
                    continue
                }
                path[path.count - 1].next += 1
                let spread = spreads[next]
                if onPath.contains(spread) {
                    return add(
                        "Fragment '\(GraphQLError.quoted(spread))' spreads itself.", at: fragment.name.place)
                }
                if !done.contains(spread) {
                    path.append((spread, 0))
                    onPath.insert(spread)
                }
            }
        }
    }

    /// Section 5.8.
    mutating func checkVariables(_ operation: GraphQLOperation, _ uses: [Use]) {
        var definitions: [ExactText: GraphQLVariable] = [:]
        for variable in operation.variables {
            let name = variable.name.text
            if definitions[name] != nil {
                add("There can be only one variable '$\(GraphQLError.quoted(name))'.", at: variable.name.place)
            } else {
                definitions[name] = variable
            }
        }
        for use in uses {
            guard let definition = definitions[use.name] else {
                add("Variable '$\(GraphQLError.quoted(use.name))' is not defined.", at: use.place)
                continue
            }
            guard let type = use.type, schema[definition.type.name]?.isInput == true else { continue }
            if !Self.isAllowed(definition, type, hasDefault: use.hasDefault) {
                add(
                    "Variable '$\(GraphQLError.quoted(use.name))' of type '\(definition.type)' can't stand for '\(type)'.",
                    at: use.place)
            }
        }
        let used = Set(uses.map(\.name))
        for variable in operation.variables where !used.contains(variable.name.text) {
            add("Variable '$\(GraphQLError.quoted(variable.name.text))' is never used.", at: variable.name.place)
        }
    }

    /// Section 5.8.5, IsVariableUsageAllowed.
    private static func isAllowed(
        _ variable: GraphQLVariable, _ type: GraphQLTypeReference, hasDefault: Bool
    ) -> Bool {
        guard type.isNonNull, !variable.type.isNonNull else { return isCompatible(variable.type, type) }
        let isDefaulted = variable.defaultValue.map { $0.value != .null } == true
        return (isDefaulted || hasDefault) && isCompatible(variable.type, type.nullable)
    }

    /// Section 5.8.5, AreTypesCompatible.
    private static func isCompatible(_ type: GraphQLTypeReference, _ place: GraphQLTypeReference) -> Bool {
        switch (type, place) {
        case (.nonNull(let type), .nonNull(let place)): isCompatible(type, place)
        case (_, .nonNull): false
        case (.nonNull(let type), _): isCompatible(type, place)
        case (.list(let type), .list(let place)): isCompatible(type, place)
        case (.named(let name), .named(let other)): name == other
        default: false
        }
    }

    /// Section 5.2.3.1 and, of the edition after, that nothing leaves out the one field: a subscription without it would be none.
    mutating func checkRoot(_ operation: GraphQLOperation, _ fields: [GraphQLMerge.Root]) throws(GraphQLError) {
        if fields.count > GraphQLBounds.rootFields {
            throw GraphQLError(
                "An operation has at most \(GraphQLBounds.rootFields) fields at the top.", .tooComplex,
                at: source.location(operation.place))
        }
        guard operation.kind == .subscription else { return }
        guard fields.count == 1, let only = fields.first else {
            return add("A subscription has exactly one field at the top.", at: operation.place)
        }
        if only.name.string.hasPrefix("__") {
            add("A subscription can't have '\(only.name)' at the top.", at: operation.place)
        }
        if Self.mayLeaveOut(operation.selections) || fragmentsMayLeaveOut(operation) {
            add("The field of a subscription can't have @skip or @include.", at: operation.place)
        }
    }

    private static func mayLeaveOut(_ selections: [GraphQLSelection]) -> Bool {
        selections.contains { selection in
            switch selection {
            case .field(let field): !field.directives.isEmpty
            case .spread(_, let directives): !directives.isEmpty
            case .inline(_, let directives, let selections, _): !directives.isEmpty || mayLeaveOut(selections)
            }
        }
    }

    /// Whether a fragment on the root does, which this operation is taken to spread: nobody writes another.
    private func fragmentsMayLeaveOut(_ operation: GraphQLOperation) -> Bool {
        let root = GraphQLSchema.root(operation.kind)
        return fragments.values.contains { $0.type.text == root && Self.mayLeaveOut($0.selections) }
    }
}
