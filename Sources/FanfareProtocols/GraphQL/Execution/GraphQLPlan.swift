import FanfareWire

/// An operation that may be executed: fragments are in their places, directives are decided, arguments have their values. Made once; each
/// publication of a subscription is written by it.
struct GraphQLPlan: Equatable, Sendable {
    let kind: GraphQLOperation.Kind
    /// What is at the top, in the order of the answer.
    let fields: [GraphQLPlanField]

    /// Whether something at the top is a read, so that there was room for its answer.
    var isRead: Bool { fields.contains { $0.isRead } }
}

/// A field of an answer.
struct GraphQLPlanField: Equatable, Sendable {
    /// Under which it stands in the answer.
    let key: ExactText
    let name: ExactText
    /// What the document or the schema gives it; others have no value.
    let arguments: [ExactText: GraphQLInput]
    /// Why it has no value, whatever is asked.
    let problem: GraphQLError?
    /// The object that it is a field of.
    let parent: ExactText
    let selections: [GraphQLPlanField]

    /// Whether, at the top, it may be big and is held to the rate of reads: all but what is published or only named.
    var isRead: Bool { problem == nil && parent == GraphQLSchema.root(.query) && name != "__typename" }

    /// Whether, at the top, it asks for what the schema says of itself.
    var isIntrospection: Bool { name == "__schema" || name == "__type" }

    /// Whether a field within it is asked for.
    func selects(_ name: ExactText) -> Bool { selections.contains { $0.name == name } }

    /// The same without its arguments, and without a channel's name among them: what all who select the same have.
    init(selecting field: GraphQLPlanField) {
        self.init(
            key: field.key, name: field.name, arguments: [:], problem: nil, parent: field.parent,
            selections: field.selections)
    }

    init(
        key: ExactText, name: ExactText, arguments: [ExactText: GraphQLInput], problem: GraphQLError?,
        parent: ExactText, selections: [GraphQLPlanField]
    ) {
        self.key = key
        self.name = name
        self.arguments = arguments
        self.problem = problem
        self.parent = parent
        self.selections = selections
    }
}

/// A value of an argument or variable.
indirect enum GraphQLInput: Equatable, Sendable {
    case null
    case bool(Bool)
    case int(Int)
    case string(String)
    /// JSON text.
    case json(String)
    case list([GraphQLInput])
    case object([ExactText: GraphQLInput])
}

extension GraphQLRequest {
    /// Reads and checks the document, and makes a plan of the operation.
    ///
    /// - Throws: what is wrong with it (sections 6.1 and 7.1.2: a request error).
    func plan(_ schema: GraphQLSchema = .standard) throws(GraphQLFailure) -> GraphQLPlan {
        let source = GraphQLSource(bytes: Array(query.utf8))
        let errors: [GraphQLError]
        do throws(GraphQLError) {
            let document = try GraphQLParser.parse(source)
            var work = GraphQLWork(for: source.bytes.count)
            errors = try GraphQLValidator.errors(document, source, schema, &work)
            if errors.isEmpty { return try GraphQLCompiler.plan(document, source, schema, self, work) }
        } catch {
            throw GraphQLFailure(error)
        }
        throw GraphQLFailure(errors)
    }
}
