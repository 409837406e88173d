import FanfareWire

/// Type system definitions (spec section 3), of which the node's own text has a few forms. Nothing of a client is read as one.
extension GraphQLParser {
    static func definitions(
        _ source: GraphQLSource
    ) throws(GraphQLError) -> (types: [GraphQLType], directives: [GraphQLDirectiveDefinition]) {
        var parser = try GraphQLParser(source)
        var (types, directives) = ([GraphQLType](), [GraphQLDirectiveDefinition]())
        while parser.token != .end {
            let description = try parser.description()
            if parser.isWord("directive") {
                directives.append(try parser.directiveDefinition(description))
            } else {
                types.append(try parser.typeDefinition(description))
            }
        }
        return (types, directives)
    }

    /// Section 3.13.
    private mutating func directiveDefinition(
        _ description: String?
    ) throws(GraphQLError) -> GraphQLDirectiveDefinition {
        try advance()
        try expect(UInt8(ascii: "@"))
        let name = try takeName().text
        let arguments = try inputs(UInt8(ascii: "("), UInt8(ascii: ")"))
        // The word `on`.
        try advance()
        var locations = [try takeName().text]
        while try take(UInt8(ascii: "|")) { locations.append(try takeName().text) }
        return GraphQLDirectiveDefinition(
            name: name, description: description, arguments: arguments, locations: locations)
    }

    /// Sections 3.5, 3.6, 3.9 and 3.10.
    private mutating func typeDefinition(_ description: String?) throws(GraphQLError) -> GraphQLType {
        let word = try takeName()
        let name = try takeName().text
        let kind: GraphQLType.Kind
        switch word.text {
        case "scalar": kind = .scalar
        case "type": kind = .object(try fields())
        case "input": kind = .input(try inputs(UInt8(ascii: "{"), UInt8(ascii: "}")))
        case "enum": kind = .enumeration(try enumValues())
        default: throw source.syntaxError("unexpected '\(word.text)'", at: word.place)
        }
        return GraphQLType(name: name, description: description, kind: kind)
    }

    private mutating func fields() throws(GraphQLError) -> [GraphQLFieldDefinition] {
        try expect(UInt8(ascii: "{"))
        var fields: [GraphQLFieldDefinition] = []
        while try !take(UInt8(ascii: "}")) {
            let description = try description()
            let name = try takeName().text
            let arguments = try inputs(UInt8(ascii: "("), UInt8(ascii: ")"))
            try expect(UInt8(ascii: ":"))
            fields.append(
                GraphQLFieldDefinition(
                    name: name, description: description, arguments: arguments, type: try type()))
        }
        return fields
    }

    private mutating func inputs(_ open: UInt8, _ close: UInt8) throws(GraphQLError) -> [GraphQLInputDefinition] {
        guard try take(open) else { return [] }
        var inputs: [GraphQLInputDefinition] = []
        while try !take(close) {
            let description = try description()
            let name = try takeName().text
            try expect(UInt8(ascii: ":"))
            let type = try type()
            var value: GraphQLDefault?
            if try take(UInt8(ascii: "=")) { value = GraphQLDefault(rawValue: try takeName().text.string) }
            inputs.append(
                GraphQLInputDefinition(name: name, description: description, type: type, defaultValue: value))
        }
        return inputs
    }

    private mutating func enumValues() throws(GraphQLError) -> [GraphQLEnumValue] {
        try expect(UInt8(ascii: "{"))
        var values: [GraphQLEnumValue] = []
        while try !take(UInt8(ascii: "}")) {
            let description = try description()
            values.append(GraphQLEnumValue(name: try takeName().text, description: description))
        }
        return values
    }

    /// Section 2.2.1 of the type system: text before a definition.
    private mutating func description() throws(GraphQLError) -> String? {
        guard case .string(let text) = token else { return nil }
        try advance()
        return text
    }
}
