import FanfareWire

/// Fields of a selection set with fragments in their places, those with the same response key together (spec section 6.3.2,
/// CollectFields). Where no type is an interface or a union, each fragment applies.
struct GraphQLCollector {
    /// Fields that answer under the same key, the first of the document first.
    struct Group {
        let key: ExactText
        var fields: [GraphQLField]

        var first: GraphQLField { fields[0] }
        var selections: [[GraphQLSelection]] { fields.map(\.selections) }
    }

    let fragments: [ExactText: GraphQLFragment]
    /// Whether directives let something be there.
    let includes: ([GraphQLDirective]) throws(GraphQLError) -> Bool

    /// - Parameter sets: selection sets that count as one: those of all fields with the same key.
    func groups(
        _ sets: [[GraphQLSelection]], _ budget: inout GraphQLWork
    ) throws(GraphQLError) -> [Group] {
        var (groups, places, visited) = ([Group](), [ExactText: Int](), Set<ExactText>())
        for set in sets { try collect(set, &groups, &places, &visited, &budget) }
        return groups
    }

    private func collect(
        _ selections: [GraphQLSelection], _ groups: inout [Group], _ places: inout [ExactText: Int],
        _ visited: inout Set<ExactText>, _ budget: inout GraphQLWork
    ) throws(GraphQLError) {
        for selection in selections {
            try budget.spend()
            switch selection {
            case .field(let field):
                guard try includes(field.directives) else { continue }
                if let place = places[field.key] {
                    groups[place].fields.append(field)
                } else {
                    places[field.key] = groups.count
                    groups.append(Group(key: field.key, fields: [field]))
                }
            case .spread(let name, let directives):
                guard try includes(directives), visited.insert(name.text).inserted,
                    let fragment = fragments[name.text]
                else { continue }
                try collect(fragment.selections, &groups, &places, &visited, &budget)
            case .inline(_, let directives, let inner, _):
                guard try includes(directives) else { continue }
                try collect(inner, &groups, &places, &visited, &budget)
            }
        }
    }
}

/// Section 5.3.2: fields with the same response key ask for the same. Since every type is known, that is: they have the same name and
/// arguments, and so have the fields within them.
struct GraphQLMerge {
    /// A field at the top of an operation.
    struct Root {
        let name: ExactText
    }

    private let collector: GraphQLCollector

    init(_ fragments: [ExactText: GraphQLFragment]) {
        collector = GraphQLCollector(fragments: fragments) { _ in true }
    }

    /// - Returns: the first fields that can't be merged, and what stands at the top.
    func check(
        _ operation: GraphQLOperation, _ budget: inout GraphQLWork
    ) throws(GraphQLError) -> (problem: (message: String, place: Int)?, fields: [Root]) {
        let groups = try collector.groups([operation.selections], &budget)
        return (try problem(groups, &budget, depth: 1), groups.map { Root(name: $0.first.name.text) })
    }

    private func problem(
        _ groups: [GraphQLCollector.Group], _ budget: inout GraphQLWork, depth: Int
    ) throws(GraphQLError) -> (message: String, place: Int)? {
        guard depth <= GraphQLBounds.depth else {
            throw GraphQLError("fields are nested deeper than \(GraphQLBounds.depth) levels", .tooComplex)
        }
        for group in groups {
            for field in group.fields.dropFirst() {
                try budget.spend()
                guard field.name.text == group.first.name.text,
                    try GraphQLLiteral.areSame(field.arguments, group.first.arguments, &budget)
                else {
                    let key = GraphQLError.quoted(group.key)
                    return (
                        "Fields '\(key)' conflict: they ask for different things, give one of them another alias.",
                        field.name.place
                    )
                }
            }
            guard group.fields.contains(where: { !$0.selections.isEmpty }) else { continue }
            let inner = try collector.groups(group.selections, &budget)
            if let problem = try problem(inner, &budget, depth: depth + 1) { return problem }
        }
        return nil
    }
}
