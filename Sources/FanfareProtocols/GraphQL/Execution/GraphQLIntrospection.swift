import FanfareWire

/// What the schema says of itself (spec section 4.2). Nothing of it is deprecated.
enum GraphQLIntrospection {
    case schema
    case type(GraphQLTypeReference)
    case field(GraphQLFieldDefinition)
    case input(GraphQLInputDefinition)
    case enumValue(GraphQLEnumValue)
    case directive(GraphQLDirectiveDefinition)

    func value(of field: GraphQLPlanField, _ schema: GraphQLSchema) -> GraphQLData {
        switch (self, field.name) {
        case (_, "isDeprecated"): .bool(false)
        case (_, "deprecationReason"): .null
        case (.schema, let name): Self.schema(name, schema)
        case (.type(let type), let name): Self.type(type, name, schema)
        case (.field(let field), let name): Self.field(field, name)
        case (.input(let input), let name): Self.input(input, name)
        case (.enumValue(let value), "name"): .string(value.name.string)
        case (.enumValue(let value), _): Self.optional(value.description)
        case (.directive(let directive), let name): Self.directive(directive, name)
        }
    }

    private static func schema(_ name: ExactText, _ schema: GraphQLSchema) -> GraphQLData {
        switch name {
        case "types": .list(schema.types.map { of(.named($0.name)) })
        case "queryType": of(.named(GraphQLSchema.root(.query)))
        case "mutationType": of(.named(GraphQLSchema.root(.mutation)))
        case "subscriptionType": of(.named(GraphQLSchema.root(.subscription)))
        case "directives": .list(schema.directives.map { .object(.introspection(.directive($0))) })
        default: .null
        }
    }

    private static func type(
        _ reference: GraphQLTypeReference, _ name: ExactText, _ schema: GraphQLSchema
    ) -> GraphQLData {
        switch reference {
        case .nonNull(let inner), .list(let inner):
            switch name {
            case "kind": return .string(reference.isNonNull ? "NON_NULL" : "LIST")
            case "ofType": return of(inner)
            default: return .null
            }
        case .named(let typeName):
            guard let type = schema[typeName] else { return .null }
            switch (name, type.kind) {
            case ("kind", .scalar): return .string("SCALAR")
            case ("kind", .object): return .string("OBJECT")
            case ("kind", .input): return .string("INPUT_OBJECT")
            case ("kind", .enumeration): return .string("ENUM")
            case ("name", _): return .string(typeName.string)
            case ("description", _): return optional(type.description)
            case ("fields", .object(let fields)): return .list(fields.map { .object(.introspection(.field($0))) })
            case ("interfaces", .object): return .list([])
            case ("inputFields", .input(let inputs)): return list(inputs)
            case ("enumValues", .enumeration(let values)):
                return .list(values.map { .object(.introspection(.enumValue($0))) })
            default: return .null
            }
        }
    }

    private static func field(_ field: GraphQLFieldDefinition, _ name: ExactText) -> GraphQLData {
        switch name {
        case "name": .string(field.name.string)
        case "description": optional(field.description)
        case "args": list(field.arguments)
        case "type": of(field.type)
        default: .null
        }
    }

    private static func input(_ input: GraphQLInputDefinition, _ name: ExactText) -> GraphQLData {
        switch name {
        case "name": .string(input.name.string)
        case "description": optional(input.description)
        case "type": of(input.type)
        case "defaultValue": optional(input.defaultValue?.rawValue)
        default: .null
        }
    }

    private static func directive(_ directive: GraphQLDirectiveDefinition, _ name: ExactText) -> GraphQLData {
        switch name {
        case "name": .string(directive.name.string)
        case "description": optional(directive.description)
        case "isRepeatable": .bool(false)
        case "locations": .list(directive.locations.map { .string($0.string) })
        case "args": list(directive.arguments)
        default: .null
        }
    }

    private static func of(_ type: GraphQLTypeReference) -> GraphQLData { .object(.introspection(.type(type))) }

    private static func list(_ inputs: [GraphQLInputDefinition]) -> GraphQLData {
        .list(inputs.map { .object(.introspection(.input($0))) })
    }

    private static func optional(_ text: String?) -> GraphQLData { text.map { .string($0) } ?? .null }
}
