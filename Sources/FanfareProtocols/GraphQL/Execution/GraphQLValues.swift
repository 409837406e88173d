import FanfareWire
import NIOCore

/// Values of variables and arguments: sections 6.1.2 and 6.4.1, and the input coercion of section 3.
struct GraphQLValues {
    let source: GraphQLSource
    private let schema: GraphQLSchema
    /// Variables that have a value.
    private var variables: [ExactText: GraphQLInput] = [:]
    /// For JSON that is put together.
    private var room: GraphQLRoom
    /// For values of variables: each takes a step wherever it is looked at. Those that were sent pay for it.
    private var work: GraphQLWork

    /// Section 6.1.2, CoerceVariableValues.
    init(
        _ operation: GraphQLOperation, _ source: GraphQLSource, _ schema: GraphQLSchema, _ given: JSONMembers.Value?
    ) throws(GraphQLError) {
        self.source = source
        self.schema = schema
        let sent = source.bytes.count + (given?.bytes.readableBytes ?? 0)
        room = GraphQLRoom(sent: sent)
        work = GraphQLWork(for: sent)
        var values: [ExactText: JSONMembers.Value] = [:]
        if let given {
            guard let members = JSONMembers(given.bytes, limit: GraphQLBounds.members),
                !JSONDepth.isExceeded(by: given.bytes)
            else {
                throw GraphQLError(
                    "variables is an object of at most \(GraphQLBounds.members) members, and not too deep",
                    .badUserInput)
            }
            for (key, value) in members.members { values[key] = value }
        }
        for variable in operation.variables {
            let name = variable.name.text
            if let value = values[name] {
                guard let input = try coerce(value, variable.type) else { throw bad(variable) }
                variables[name] = input
            } else if let literal = variable.defaultValue {
                variables[name] = try value(literal, variable.type)
            } else if variable.type.isNonNull {
                throw bad(variable)
            }
        }
    }

    private func bad(_ variable: GraphQLVariable) -> GraphQLError {
        let name = GraphQLError.quoted(variable.name.text)
        return GraphQLError(
            "Variable '$\(name)' needs a value of type '\(variable.type)'.", .badUserInput,
            at: source.location(variable.name.place))
    }

    /// Section 6.4.1, CoerceArgumentValues.
    mutating func arguments(
        _ field: GraphQLField, _ definition: GraphQLFieldDefinition
    ) throws(GraphQLError) -> [ExactText: GraphQLInput] {
        var arguments: [ExactText: GraphQLInput] = [:]
        for argument in definition.arguments {
            let literal = field.arguments.first { $0.name.text == argument.name }?.value
            var given: GraphQLInput?
            if let literal { given = try value(literal, argument.type) }
            if let given, try fits(given, argument.type) {
                arguments[argument.name] = given
            } else if given == nil, argument.defaultValue == .false {
                arguments[argument.name] = .bool(false)
            } else if given != nil || argument.type.isNonNull {
                throw GraphQLError(
                    "Argument '\(argument.name)' needs a value of type '\(argument.type)'.", .badUserInput,
                    at: source.location(literal?.place ?? field.name.place))
            }
        }
        return arguments
    }

    /// Whether no `null` of a variable stands where none may be: variables with a default may be `null` nevertheless.
    private mutating func fits(
        _ input: GraphQLInput, _ type: GraphQLTypeReference
    ) throws(GraphQLError) -> Bool {
        try work.spend()
        switch (type, input) {
        case (.nonNull, .null): return false
        case (.nonNull(let type), _): return try fits(input, type)
        case (.list(let type), .list(let inputs)):
            for input in inputs where try !fits(input, type) { return false }
            return true
        case (.named(let name), .object(let inputs)):
            for field in schema[name]?.inputFields ?? [] {
                guard let input = inputs[field.name] else {
                    if field.isRequired { return false }
                    continue
                }
                guard try fits(input, field.type) else { return false }
            }
            return true
        default: return true
        }
    }

    /// A condition of a directive; `nil`: it has no value.
    func condition(_ literal: GraphQLLiteral) -> Bool? {
        switch literal.value {
        case .bool(let isSet): return isSet
        case .variable(let name):
            guard case .bool(let isSet) = variables[name] else { return nil }
            return isSet
        default: return nil
        }
    }

    /// What a literal says, which fits its type; `nil`: a variable without a value.
    ///
    /// - Throws: variables within it come to much more than the client sent.
    private mutating func value(
        _ literal: GraphQLLiteral, _ type: GraphQLTypeReference
    ) throws(GraphQLError) -> GraphQLInput? {
        if case .variable(let name) = literal.value {
            // Each use is a payload, or a part of one.
            if case .json(let text) = variables[name] { try room.take(text.utf8.count) }
            return variables[name]
        }
        if literal.value == .null { return .null }
        switch type {
        case .nonNull(let type): return try value(literal, type)
        case .list(let type):
            guard case .list(let literals) = literal.value else {
                return try value(literal, type).map { .list([$0]) }
            }
            var values: [GraphQLInput] = []
            for literal in literals { values.append(try value(literal, type) ?? .null) }
            return .list(values)
        case .named("JSON"):
            var text = ""
            try write(literal, into: &text)
            return .json(text)
        case .named(let name):
            switch literal.value {
            case .int(let text): return Int(text.string).map { .int($0) }
            case .string(let text): return .string(text.string)
            case .bool(let isSet): return .bool(isSet)
            case .object(let fields):
                var values: [ExactText: GraphQLInput] = [:]
                for definition in schema[name]?.inputFields ?? [] {
                    guard let literal = fields.first(where: { $0.name.text == definition.name })?.value,
                        let value = try value(literal, definition.type)
                    else { continue }
                    values[definition.name] = value
                }
                return .object(values)
            case .float, .enumeration, .list, .null, .variable: return nil
            }
        }
    }

    /// A literal where JSON is expected: words of an enum are strings, a variable without a value is `null`. Room is taken for each part
    /// before it is written.
    private mutating func write(_ literal: GraphQLLiteral, into text: inout String) throws(GraphQLError) {
        switch literal.value {
        case .variable(let name): try add(variables[name] ?? .null, to: &text)
        case .int(let number), .float(let number): try add(number.string, to: &text)
        case .string(let string): try add(Self.quoted(string.string), to: &text)
        case .enumeration(let name): try add(Self.quoted(name.string), to: &text)
        case .bool(let isSet): try add(isSet ? "true" : "false", to: &text)
        case .null: try add("null", to: &text)
        case .list(let values):
            try add("[", to: &text)
            for (index, value) in values.enumerated() {
                if index > 0 { try add(",", to: &text) }
                try write(value, into: &text)
            }
            try add("]", to: &text)
        case .object(let fields):
            try add("{", to: &text)
            for (index, field) in fields.enumerated() {
                if index > 0 { try add(",", to: &text) }
                try add(Self.quoted(field.name.text.string) + ":", to: &text)
                try write(field.value, into: &text)
            }
            try add("}", to: &text)
        }
    }

    private mutating func add(_ part: String, to text: inout String) throws(GraphQLError) {
        try room.take(part.utf8.count)
        text += part
    }

    private static func quoted(_ text: String) -> String {
        var buffer = ByteBuffer()
        JSONWriter.writeString(text, into: &buffer)
        return String(buffer: buffer)
    }

    /// A variable's value within JSON.
    private mutating func add(_ value: GraphQLInput, to text: inout String) throws(GraphQLError) {
        try work.spend()
        switch value {
        case .null: try add("null", to: &text)
        case .bool(let isSet): try add(isSet ? "true" : "false", to: &text)
        case .int(let number): try add("\(number)", to: &text)
        case .string(let string): try add(Self.quoted(string), to: &text)
        case .json(let json): try add(json, to: &text)
        case .list(let values):
            try add("[", to: &text)
            for (index, value) in values.enumerated() {
                if index > 0 { try add(",", to: &text) }
                try add(value, to: &text)
            }
            try add("]", to: &text)
        case .object(let fields):
            try add("{", to: &text)
            for (index, field) in fields.sorted(by: { $0.key.string < $1.key.string }).enumerated() {
                if index > 0 { try add(",", to: &text) }
                try add(Self.quoted(field.key.string) + ":", to: &text)
                try add(field.value, to: &text)
            }
            try add("}", to: &text)
        }
    }

    /// A value that came as JSON (section 3, input coercion); `nil`: it does not fit.
    private mutating func coerce(
        _ value: JSONMembers.Value, _ type: GraphQLTypeReference
    ) throws(GraphQLError) -> GraphQLInput? {
        try work.spend()
        switch type {
        case .nonNull(let type): return value.isNull ? nil : try coerce(value, type)
        case .list(let type):
            if value.isNull { return .null }
            guard value.isArray else { return try coerce(value, type).map { .list([$0]) } }
            guard let elements = value.elements(upTo: work.left) else { throw .tooMuchWork }
            var inputs: [GraphQLInput] = []
            for element in elements {
                guard let input = try coerce(element, type) else { return nil }
                inputs.append(input)
            }
            return .list(inputs)
        case .named(let name):
            if value.isNull { return .null }
            guard let definitions = schema[name]?.inputFields else { return scalar(value, name) }
            return try coerce(value, definitions)
        }
    }

    private func scalar(_ value: JSONMembers.Value, _ name: ExactText) -> GraphQLInput? {
        switch name {
        case "JSON": return .json(String(buffer: value.bytes))
        case "String": return value.string.map { .string($0) }
        case "Boolean": return value.bool.map { .bool($0) }
        case "Int":
            // Section 3.5.1: also `1.0`, which is whole.
            guard value.bytes.readableBytes <= 32, let number = Double(String(buffer: value.bytes)) else { return nil }
            return Int32(exactly: number).map { .int(Int($0)) }
        case "Offset": return value.unsigned64.flatMap { Int(exactly: $0) }.map { .int($0) }
        default: return nil
        }
    }

    /// Section 3.10.
    private mutating func coerce(
        _ value: JSONMembers.Value, _ definitions: [GraphQLInputDefinition]
    ) throws(GraphQLError) -> GraphQLInput? {
        guard let members = JSONMembers(value.bytes, limit: GraphQLBounds.members) else { return nil }
        var inputs: [ExactText: GraphQLInput] = [:]
        for (key, value) in members.members {
            guard let definition = definitions.first(where: { $0.name == key }),
                let input = try coerce(value, definition.type)
            else { return nil }
            inputs[key] = input
        }
        guard definitions.allSatisfy({ !$0.isRequired || inputs[$0.name] != nil }) else { return nil }
        return .object(inputs)
    }
}
