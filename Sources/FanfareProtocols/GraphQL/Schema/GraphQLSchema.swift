import FanfareWire

/// The types that a document is held against (spec section 3). Made once of the node's own text, and immutable.
struct GraphQLSchema: Sendable {
    /// Section 3.3.1: names of the types where operations begin.
    static func root(_ kind: GraphQLOperation.Kind) -> ExactText {
        switch kind {
        case .query: "Query"
        case .mutation: "Mutation"
        case .subscription: "Subscription"
        }
    }

    /// By their names.
    let types: [GraphQLType]
    let directives: [GraphQLDirectiveDefinition]
    private let places: [ExactText: Int]

    /// - Parameter definitions: text of the node's own, which fits the grammar and names no type that is missing: a test sees to it.
    init(_ definitions: String...) {
        var (types, directives) = ([GraphQLType](), [GraphQLDirectiveDefinition]())
        for text in definitions {
            do {
                let (some, others) = try GraphQLParser.definitions(GraphQLSource(bytes: Array(text.utf8)))
                types += some
                directives += others
            } catch {
                preconditionFailure("the schema can't be read: \(error)")
            }
        }
        self.types = types.sorted { $0.name.string.utf8.lexicographicallyPrecedes($1.name.string.utf8) }
        self.directives = directives
        places = Dictionary(self.types.enumerated().map { ($1.name, $0) }) { first, _ in first }
    }

    /// `nil`: there is no such type.
    subscript(name: ExactText) -> GraphQLType? { places[name].map { types[$0] } }

    func directive(_ name: ExactText) -> GraphQLDirectiveDefinition? { directives.first { $0.name == name } }

    /// A field of a type, those among them that every document can ask for: section 4.1 and 4.2.
    func field(_ name: ExactText, of type: GraphQLType) -> GraphQLFieldDefinition? {
        switch name {
        case "__typename": Self.typeName
        case "__schema" where type.name == Self.root(.query): Self.schemaField
        case "__type" where type.name == Self.root(.query): Self.typeField
        default: type.fields?.first { $0.name == name }
        }
    }

    static let typeName = GraphQLFieldDefinition(name: "__typename", type: .nonNull(.named("String")))
    private static let schemaField = GraphQLFieldDefinition(name: "__schema", type: .nonNull(.named("__Schema")))
    private static let typeField = GraphQLFieldDefinition(
        name: "__type", arguments: [.init(name: "name", type: .nonNull(.named("String")))], type: .named("__Type"))
}

/// A type with a name (section 3.4). There are no interfaces and no unions: the type of every value is known from the document.
struct GraphQLType: Sendable {
    enum Kind: Sendable {
        case scalar
        case object([GraphQLFieldDefinition])
        case input([GraphQLInputDefinition])
        case enumeration([GraphQLEnumValue])
    }

    let name: ExactText
    let description: String?
    let kind: Kind

    /// `nil`: it is no object.
    var fields: [GraphQLFieldDefinition]? { if case .object(let fields) = kind { fields } else { nil } }

    /// `nil`: it is no input object.
    var inputFields: [GraphQLInputDefinition]? { if case .input(let fields) = kind { fields } else { nil } }

    /// Section 3.4.2: whether it has no fields that could be selected.
    var isLeaf: Bool {
        switch kind {
        case .scalar, .enumeration: true
        case .object, .input: false
        }
    }

    /// Section 3.4.2: whether a variable or argument may be of it.
    var isInput: Bool { fields == nil }
}

/// Section 3.6.
struct GraphQLFieldDefinition: Sendable {
    let name: ExactText
    var description: String?
    var arguments: [GraphQLInputDefinition] = []
    let type: GraphQLTypeReference
}

/// An argument or a field of an input object: sections 3.6.1 and 3.10.
struct GraphQLInputDefinition: Sendable {
    let name: ExactText
    var description: String?
    let type: GraphQLTypeReference
    /// `nil`: there is none. Only what ``GraphQLDefault`` has.
    var defaultValue: GraphQLDefault?

    /// Section 5.4.2.1.
    var isRequired: Bool { type.isNonNull && defaultValue == nil }
}

/// The defaults that the schema has.
enum GraphQLDefault: String, Sendable {
    case `false`
}

/// Section 3.9.
struct GraphQLEnumValue: Sendable {
    let name: ExactText
    let description: String?
}

/// Section 3.13.
struct GraphQLDirectiveDefinition: Sendable {
    let name: ExactText
    let description: String?
    let arguments: [GraphQLInputDefinition]
    let locations: [ExactText]
}
