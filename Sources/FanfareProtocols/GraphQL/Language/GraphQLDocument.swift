import FanfareWire

/// An executable document (spec section 2.2): operations, and fragments that they share.
struct GraphQLDocument: Equatable {
    let operations: [GraphQLOperation]
    let fragments: [GraphQLFragment]
}

/// A name and where it stands, for errors.
struct GraphQLName: Equatable {
    let text: ExactText
    let place: Int
}

/// Section 2.3.
struct GraphQLOperation: Equatable {
    enum Kind: String {
        case query
        case mutation
        case subscription
    }

    let kind: Kind
    let name: GraphQLName?
    let variables: [GraphQLVariable]
    let directives: [GraphQLDirective]
    let selections: [GraphQLSelection]
    let place: Int
}

/// Section 2.8: a fragment with a name.
struct GraphQLFragment: Equatable {
    let name: GraphQLName
    let type: GraphQLName
    let directives: [GraphQLDirective]
    let selections: [GraphQLSelection]
}

/// Section 2.4.
indirect enum GraphQLSelection: Equatable {
    case field(GraphQLField)
    /// Section 2.8: `...name`.
    case spread(GraphQLName, [GraphQLDirective])
    /// Section 2.8.2: `... on Type {}`; the type may be missing.
    case inline(GraphQLName?, [GraphQLDirective], [GraphQLSelection], place: Int)
}

/// Section 2.5.
struct GraphQLField: Equatable {
    let alias: GraphQLName?
    let name: GraphQLName
    let arguments: [GraphQLArgument]
    let directives: [GraphQLDirective]
    let selections: [GraphQLSelection]

    /// Under which its value stands in an answer: section 2.7.
    var key: ExactText { (alias ?? name).text }
}

/// Section 2.6.
struct GraphQLArgument: Equatable {
    let name: GraphQLName
    let value: GraphQLLiteral
}

/// Section 2.12.
struct GraphQLDirective: Equatable {
    let name: GraphQLName
    let arguments: [GraphQLArgument]
}

/// Section 2.10.
struct GraphQLVariable: Equatable {
    let name: GraphQLName
    let type: GraphQLTypeReference
    let typePlace: Int
    let defaultValue: GraphQLLiteral?
    let directives: [GraphQLDirective]
}

/// Section 2.11: a type as a document or the schema names it.
indirect enum GraphQLTypeReference: Equatable, Sendable, CustomStringConvertible {
    case named(ExactText)
    case list(GraphQLTypeReference)
    case nonNull(GraphQLTypeReference)

    /// Section 3.4.1: the type within all lists.
    var name: ExactText {
        switch self {
        case .named(let name): name
        case .list(let type), .nonNull(let type): type.name
        }
    }

    var isNonNull: Bool { if case .nonNull = self { true } else { false } }

    /// The same where `null` is allowed.
    var nullable: GraphQLTypeReference { if case .nonNull(let type) = self { type } else { self } }

    var description: String {
        switch self {
        case .named(let name): name.string
        case .list(let type): "[\(type)]"
        case .nonNull(let type): "\(type)!"
        }
    }
}

/// Section 2.9: a value that stands in a document.
struct GraphQLLiteral: Equatable {
    indirect enum Value: Equatable {
        case variable(ExactText)
        /// As it stands there.
        case int(ExactText)
        /// As it stands there.
        case float(ExactText)
        case string(ExactText)
        case bool(Bool)
        case null
        case enumeration(ExactText)
        case list([GraphQLLiteral])
        case object([GraphQLArgument])
    }

    let value: Value
    let place: Int

    /// Whether both say the same, wherever they stand: section 5.3.2 asks for identical arguments. The order of an object's fields
    /// does not count.
    ///
    /// - Parameter budget: pays for every value, since fragments make the same two be compared at each of their places.
    func isSame(as other: GraphQLLiteral, _ budget: inout GraphQLWork) throws(GraphQLError) -> Bool {
        try budget.spend()
        switch (value, other.value) {
        case (.list(let values), .list(let others)):
            guard values.count == others.count else { return false }
            for (value, other) in zip(values, others) {
                guard try value.isSame(as: other, &budget) else { return false }
            }
            return true
        case (.object(let fields), .object(let others)): return try Self.areSame(fields, others, &budget)
        default: return value == other.value
        }
    }

    /// The same of arguments or fields, in any order; no name comes twice in a valid document.
    static func areSame(
        _ arguments: [GraphQLArgument], _ others: [GraphQLArgument], _ budget: inout GraphQLWork
    ) throws(GraphQLError) -> Bool {
        guard arguments.count == others.count else { return false }
        if arguments.isEmpty { return true }
        try budget.spend(others.count)
        let byName = Dictionary(others.map { ($0.name.text, $0.value) }) { first, _ in first }
        for argument in arguments {
            guard let other = byName[argument.name.text], try argument.value.isSame(as: other, &budget) else {
                return false
            }
        }
        return true
    }
}
