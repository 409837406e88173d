import FanfareWire

/// Arguments, directives and values.
extension GraphQLValidator {
    /// Section 5.7.
    mutating func check(_ directives: [GraphQLDirective], on location: ExactText) throws(GraphQLError) {
        var names: Set<ExactText> = []
        for directive in directives {
            try budget.spend()
            let name = directive.name
            guard let definition = schema.directive(name.text) else {
                add("Unknown directive '@\(GraphQLError.quoted(name.text))'.", at: name.place)
                // Their variables count as used.
                for argument in directive.arguments { try use(argument.value) }
                continue
            }
            if !definition.locations.contains(location) {
                add("Directive '@\(name.text)' can't be on \(location).", at: name.place)
            }
            if !names.insert(name.text).inserted {
                add("Directive '@\(name.text)' can stand only once here.", at: name.place)
            }
            try check(directive.arguments, definition.arguments, of: name)
        }
    }

    /// Section 5.4.
    mutating func check(
        _ arguments: [GraphQLArgument], _ definitions: [GraphQLInputDefinition], of owner: GraphQLName
    ) throws(GraphQLError) {
        var names: Set<ExactText> = []
        for argument in arguments {
            let name = argument.name
            if !names.insert(name.text).inserted {
                add("There can be only one argument '\(GraphQLError.quoted(name.text))'.", at: name.place)
            }
            guard let definition = definitions.first(where: { $0.name == name.text }) else {
                add("Unknown argument '\(GraphQLError.quoted(name.text))' of '\(owner.text)'.", at: name.place)
                try use(argument.value)
                continue
            }
            try check(argument.value, definition.type, hasDefault: definition.defaultValue != nil)
        }
        for definition in definitions where definition.isRequired && !names.contains(definition.name) {
            add(
                "'\(owner.text)' needs the argument '\(definition.name)' of type '\(definition.type)'.",
                at: owner.place)
        }
    }

    /// Section 5.6: a value of a type.
    mutating func check(
        _ literal: GraphQLLiteral, _ type: GraphQLTypeReference, hasDefault: Bool = false
    ) throws(GraphQLError) {
        try budget.spend()
        if case .variable(let name) = literal.value {
            scope.uses.append(.init(name: name, place: literal.place, type: type, hasDefault: hasDefault))
            return
        }
        switch type {
        case .nonNull(let inner):
            guard literal.value != .null else {
                return add("Expected a value of type '\(type)', found null.", at: literal.place)
            }
            try check(literal, inner)
        case .list(let inner):
            // Section 3.11: one value stands for a list of it.
            if literal.value == .null { return }
            guard case .list(let values) = literal.value else { return try check(literal, inner) }
            for value in values { try check(value, inner) }
        case .named(let name):
            guard literal.value != .null else { return }
            if let fields = schema[name]?.inputFields {
                try check(literal, fields, name)
            } else if name == "JSON" {
                try use(literal)
            } else if !Self.isScalar(literal.value, name) {
                add("Expected a value of type '\(type)'.", at: literal.place)
                try use(literal)
            }
        }
    }

    /// Section 3.5, as literals.
    private static func isScalar(_ value: GraphQLLiteral.Value, _ name: ExactText) -> Bool {
        switch (name, value) {
        case ("Int", .int(let text)): Int32("\(text)") != nil
        case ("String", .string), ("Boolean", .bool): true
        // No argument of the schema is of it, but a variable may be declared so.
        case ("Offset", .int): true
        default: false
        }
    }

    /// Sections 5.6.2 to 5.6.4: an input object.
    private mutating func check(
        _ literal: GraphQLLiteral, _ definitions: [GraphQLInputDefinition], _ type: ExactText
    ) throws(GraphQLError) {
        guard case .object(let fields) = literal.value else {
            add("Expected a value of type '\(type)'.", at: literal.place)
            return try use(literal)
        }
        var names: Set<ExactText> = []
        for field in fields {
            let name = field.name
            if !names.insert(name.text).inserted {
                add("There can be only one field '\(GraphQLError.quoted(name.text))'.", at: name.place)
            }
            guard let definition = definitions.first(where: { $0.name == name.text }) else {
                add("Type '\(type)' has no field '\(GraphQLError.quoted(name.text))'.", at: name.place)
                try use(field.value)
                continue
            }
            try check(field.value, definition.type, hasDefault: definition.defaultValue != nil)
        }
        for definition in definitions where definition.isRequired && !names.contains(definition.name) {
            add("Type '\(type)' needs the field '\(definition.name)'.", at: literal.place)
        }
    }

    /// A value of no type: its variables are used, and section 5.6.3 holds for its objects.
    private mutating func use(_ literal: GraphQLLiteral) throws(GraphQLError) {
        try budget.spend()
        switch literal.value {
        case .variable(let name):
            scope.uses.append(.init(name: name, place: literal.place, type: nil, hasDefault: false))
        case .list(let values):
            for value in values { try use(value) }
        case .object(let fields):
            var names: Set<ExactText> = []
            for field in fields {
                if !names.insert(field.name.text).inserted {
                    let name = GraphQLError.quoted(field.name.text)
                    add("There can be only one field '\(name)'.", at: field.name.place)
                }
                try use(field.value)
            }
        case .int, .float, .string, .bool, .null, .enumeration: break
        }
    }
}
