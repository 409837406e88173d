import FanfareWire
import NIOCore

/// Values of variables and arguments: sections 6.1.2 and 6.4.1, and the input coercion of section 3.
struct GraphQLValues {
    let source: GraphQLSource
    private let schema: GraphQLSchema
    /// Variables that have a value.
    private var variables: [ExactText: GraphQLInput] = [:]

    /// Section 6.1.2, CoerceVariableValues.
    init(
        _ operation: GraphQLOperation, _ source: GraphQLSource, _ schema: GraphQLSchema, _ given: JSONMembers.Value?
    ) throws(GraphQLError) {
        self.source = source
        self.schema = schema
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
                guard let input = coerce(value, variable.type) else { throw bad(variable) }
                variables[name] = input
            } else if let literal = variable.defaultValue {
                variables[name] = value(literal, variable.type)
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
    func arguments(
        _ field: GraphQLField, _ definition: GraphQLFieldDefinition
    ) throws(GraphQLError) -> [ExactText: GraphQLInput] {
        var arguments: [ExactText: GraphQLInput] = [:]
        for argument in definition.arguments {
            let literal = field.arguments.first { $0.name.text == argument.name }?.value
            let given = literal.flatMap { value($0, argument.type) }
            if let given, fits(given, argument.type) {
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
    private func fits(_ input: GraphQLInput, _ type: GraphQLTypeReference) -> Bool {
        switch (type, input) {
        case (.nonNull, .null): false
        case (.nonNull(let type), _): fits(input, type)
        case (.list(let type), .list(let inputs)): inputs.allSatisfy { fits($0, type) }
        case (.named(let name), .object(let inputs)):
            (schema[name]?.inputFields ?? []).allSatisfy { field in
                inputs[field.name].map { fits($0, field.type) } ?? !field.isRequired
            }
        default: true
        }
    }

    /// What a literal says, which fits its type; `nil`: a variable without a value.
    func value(_ literal: GraphQLLiteral, _ type: GraphQLTypeReference) -> GraphQLInput? {
        if case .variable(let name) = literal.value { return variables[name] }
        if literal.value == .null { return .null }
        switch type {
        case .nonNull(let type): return value(literal, type)
        case .list(let type):
            guard case .list(let values) = literal.value else { return value(literal, type).map { .list([$0]) } }
            return .list(values.map { value($0, type) ?? .null })
        case .named("JSON"):
            var text = ""
            write(literal, into: &text)
            return .json(text)
        case .named(let name):
            switch literal.value {
            case .int(let text): return Int(text).map { .int($0) }
            case .string(let text): return .string(text)
            case .bool(let isSet): return .bool(isSet)
            case .object(let fields):
                var values: [ExactText: GraphQLInput] = [:]
                for definition in schema[name]?.inputFields ?? [] {
                    guard let literal = fields.first(where: { $0.name.text == definition.name })?.value,
                        let value = value(literal, definition.type)
                    else { continue }
                    values[definition.name] = value
                }
                return .object(values)
            case .float, .enumeration, .list, .null, .variable: return nil
            }
        }
    }

    /// A literal where JSON is expected: words of an enum are strings, a variable without a value is `null`.
    private func write(_ literal: GraphQLLiteral, into text: inout String) {
        switch literal.value {
        case .variable(let name): text += variables[name].map(Self.json) ?? "null"
        case .int(let number), .float(let number): text += number
        case .string(let string): text += Self.quoted(string)
        case .enumeration(let name): text += Self.quoted(name.string)
        case .bool(let isSet): text += isSet ? "true" : "false"
        case .null: text += "null"
        case .list(let values):
            text += "["
            for (index, value) in values.enumerated() {
                if index > 0 { text += "," }
                write(value, into: &text)
            }
            text += "]"
        case .object(let fields):
            text += "{"
            for (index, field) in fields.enumerated() {
                if index > 0 { text += "," }
                text += Self.quoted(field.name.text.string) + ":"
                write(field.value, into: &text)
            }
            text += "}"
        }
    }

    private static func quoted(_ text: String) -> String {
        var buffer = ByteBuffer()
        JSONWriter.writeString(text, into: &buffer)
        return String(buffer: buffer)
    }

    /// A variable's value within JSON.
    private static func json(_ value: GraphQLInput) -> String {
        switch value {
        case .null: "null"
        case .bool(let isSet): isSet ? "true" : "false"
        case .int(let number): "\(number)"
        case .string(let text): quoted(text)
        case .json(let text): text
        case .list(let values): "[" + values.map(json).joined(separator: ",") + "]"
        case .object(let fields):
            "{" + fields.map { quoted($0.key.string) + ":" + json($0.value) }.sorted().joined(separator: ",") + "}"
        }
    }

    /// A value that came as JSON (section 3, input coercion); `nil`: it does not fit.
    private func coerce(_ value: JSONMembers.Value, _ type: GraphQLTypeReference) -> GraphQLInput? {
        switch type {
        case .nonNull(let type): return value.isNull ? nil : coerce(value, type)
        case .list(let type):
            if value.isNull { return .null }
            guard let elements = value.elements else { return coerce(value, type).map { .list([$0]) } }
            var inputs: [GraphQLInput] = []
            for element in elements {
                guard let input = coerce(element, type) else { return nil }
                inputs.append(input)
            }
            return .list(inputs)
        case .named(let name):
            if value.isNull { return .null }
            return schema[name]?.inputFields.map { coerce(value, $0) } ?? scalar(value, name)
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
    private func coerce(_ value: JSONMembers.Value, _ definitions: [GraphQLInputDefinition]) -> GraphQLInput? {
        guard let members = JSONMembers(value.bytes, limit: GraphQLBounds.members) else { return nil }
        var inputs: [ExactText: GraphQLInput] = [:]
        for (key, value) in members.members {
            guard let definition = definitions.first(where: { $0.name == key }),
                let input = coerce(value, definition.type)
            else { return nil }
            inputs[key] = input
        }
        guard definitions.allSatisfy({ !$0.isRequired || inputs[$0.name] != nil }) else { return nil }
        return .object(inputs)
    }
}
