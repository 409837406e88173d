import FanfareWire

/// Tokens to a document (spec section 2), by recursive descent of at most ``GraphQLBounds/nesting`` steps. Type systems and their
/// extensions are refused: the schema is the node's.
struct GraphQLParser {
    private var lexer: GraphQLLexer
    /// What comes next.
    private(set) var token = GraphQLToken.end
    private(set) var place = 0
    private var nesting = 0
    var source: GraphQLSource { lexer.source }

    /// Reads a document.
    static func parse(_ source: GraphQLSource) throws(GraphQLError) -> GraphQLDocument {
        guard source.bytes.count <= GraphQLBounds.documentBytes else {
            throw GraphQLError("the document has more than \(GraphQLBounds.documentBytes) bytes", .tooComplex)
        }
        var parser = try GraphQLParser(source)
        return try parser.document()
    }

    init(_ source: GraphQLSource) throws(GraphQLError) {
        lexer = GraphQLLexer(source)
        try advance()
    }

    private mutating func document() throws(GraphQLError) -> GraphQLDocument {
        var (operations, fragments) = ([GraphQLOperation](), [GraphQLFragment]())
        repeat {
            guard operations.count < GraphQLBounds.operations || isWord("fragment") else {
                throw GraphQLError(
                    "the document has more than \(GraphQLBounds.operations) operations", .tooComplex,
                    at: source.location(place))
            }
            if token == .punctuator(UInt8(ascii: "{")) {
                // Section 2.3: the shorthand of a query.
                let start = place
                operations.append(
                    GraphQLOperation(
                        kind: .query, name: nil, variables: [], directives: [], selections: try selections(),
                        place: start))
            } else if isWord("fragment") {
                fragments.append(try fragment())
            } else if case .name(let range) = token, let kind = GraphQLOperation.Kind(rawValue: source.text(range)) {
                operations.append(try operation(kind))
            } else {
                throw unexpected()
            }
        } while token != .end
        return GraphQLDocument(operations: operations, fragments: fragments)
    }

    private mutating func operation(_ kind: GraphQLOperation.Kind) throws(GraphQLError) -> GraphQLOperation {
        let start = place
        try advance()
        var name: GraphQLName?
        if case .name = token { name = try takeName() }
        let variables = try variables()
        let directives = try directives(isConstant: false)
        return GraphQLOperation(
            kind: kind, name: name, variables: variables, directives: directives, selections: try selections(),
            place: start)
    }

    private mutating func fragment() throws(GraphQLError) -> GraphQLFragment {
        try advance()
        // Section 2.8: a fragment is not called `on`.
        guard !isWord("on") else { throw unexpected() }
        let name = try takeName()
        guard isWord("on") else { throw unexpected() }
        try advance()
        let type = try takeName()
        let directives = try directives(isConstant: false)
        return GraphQLFragment(name: name, type: type, directives: directives, selections: try selections())
    }

    private mutating func variables() throws(GraphQLError) -> [GraphQLVariable] {
        guard try take(UInt8(ascii: "(")) else { return [] }
        var variables: [GraphQLVariable] = []
        repeat {
            try expect(UInt8(ascii: "$"))
            let name = try takeName()
            try expect(UInt8(ascii: ":"))
            let typePlace = place
            let type = try type()
            let value = try take(UInt8(ascii: "=")) ? try value(isConstant: true) : nil
            variables.append(
                GraphQLVariable(
                    name: name, type: type, typePlace: typePlace, defaultValue: value,
                    directives: try directives(isConstant: true)))
        } while try !take(UInt8(ascii: ")"))
        return variables
    }

    /// - Parameter lists: in which it is.
    mutating func type(lists: Int = 0) throws(GraphQLError) -> GraphQLTypeReference {
        let start = place
        let type: GraphQLTypeReference
        if try take(UInt8(ascii: "[")) {
            guard lists < GraphQLBounds.listDepth else {
                throw GraphQLError(
                    "a type has more than \(GraphQLBounds.listDepth) lists within each other", .tooComplex,
                    at: source.location(start))
            }
            type = .list(try self.type(lists: lists + 1))
            try expect(UInt8(ascii: "]"))
        } else {
            type = .named(try takeName().text)
        }
        return try take(UInt8(ascii: "!")) ? .nonNull(type) : type
    }

    private mutating func selections() throws(GraphQLError) -> [GraphQLSelection] {
        try enter()
        defer { nesting -= 1 }
        try expect(UInt8(ascii: "{"))
        var selections: [GraphQLSelection] = []
        repeat { selections.append(try selection()) } while try !take(UInt8(ascii: "}"))
        return selections
    }

    private mutating func selection() throws(GraphQLError) -> GraphQLSelection {
        guard token == .spread else { return .field(try field()) }
        let start = place
        try advance()
        if case .name = token, !isWord("on") {
            return .spread(try takeName(), try directives(isConstant: false))
        }
        var type: GraphQLName?
        if isWord("on") {
            try advance()
            type = try takeName()
        }
        return .inline(type, try directives(isConstant: false), try selections(), place: start)
    }

    private mutating func field() throws(GraphQLError) -> GraphQLField {
        let first = try takeName()
        let second = try take(UInt8(ascii: ":")) ? try takeName() : nil
        let arguments = try arguments(isConstant: false)
        let directives = try directives(isConstant: false)
        return GraphQLField(
            alias: second == nil ? nil : first, name: second ?? first, arguments: arguments, directives: directives,
            selections: token == .punctuator(UInt8(ascii: "{")) ? try selections() : [])
    }

    private mutating func arguments(isConstant: Bool) throws(GraphQLError) -> [GraphQLArgument] {
        guard try take(UInt8(ascii: "(")) else { return [] }
        var arguments: [GraphQLArgument] = []
        repeat { arguments.append(try argument(isConstant: isConstant)) } while try !take(UInt8(ascii: ")"))
        return arguments
    }

    private mutating func argument(isConstant: Bool) throws(GraphQLError) -> GraphQLArgument {
        let name = try takeName()
        try expect(UInt8(ascii: ":"))
        return GraphQLArgument(name: name, value: try value(isConstant: isConstant))
    }

    private mutating func directives(isConstant: Bool) throws(GraphQLError) -> [GraphQLDirective] {
        var directives: [GraphQLDirective] = []
        while try take(UInt8(ascii: "@")) {
            directives.append(
                GraphQLDirective(name: try takeName(), arguments: try arguments(isConstant: isConstant)))
        }
        return directives
    }

    /// - Parameter isConstant: whether variables are not allowed, as in their own defaults.
    private mutating func value(isConstant: Bool) throws(GraphQLError) -> GraphQLLiteral {
        try enter()
        defer { nesting -= 1 }
        let start = place
        let value: GraphQLLiteral.Value
        switch token {
        case .punctuator(UInt8(ascii: "$")) where !isConstant:
            try advance()
            return GraphQLLiteral(value: .variable(try takeName().text), place: start)
        case .punctuator(UInt8(ascii: "[")):
            try advance()
            var values: [GraphQLLiteral] = []
            while try !take(UInt8(ascii: "]")) { values.append(try self.value(isConstant: isConstant)) }
            return GraphQLLiteral(value: .list(values), place: start)
        case .punctuator(UInt8(ascii: "{")):
            try advance()
            var fields: [GraphQLArgument] = []
            while try !take(UInt8(ascii: "}")) { fields.append(try argument(isConstant: isConstant)) }
            return GraphQLLiteral(value: .object(fields), place: start)
        case .int(let range): value = .int(ExactText(source.text(range)))
        case .float(let range): value = .float(ExactText(source.text(range)))
        case .string(let text): value = .string(ExactText(text))
        case .name(let range):
            // Section 2.9.6: what is none of these words is a value of an enum.
            switch source.text(range) {
            case "true": value = .bool(true)
            case "false": value = .bool(false)
            case "null": value = .null
            case let name: value = .enumeration(ExactText(name))
            }
        default: throw unexpected()
        }
        try advance()
        return GraphQLLiteral(value: value, place: start)
    }

    // MARK: Tokens

    private mutating func enter() throws(GraphQLError) {
        nesting += 1
        guard nesting <= GraphQLBounds.nesting else {
            throw GraphQLError(
                "the document is nested deeper than \(GraphQLBounds.nesting) levels", .tooComplex,
                at: source.location(place))
        }
    }

    mutating func advance() throws(GraphQLError) { (token, place) = try lexer.next() }

    mutating func take(_ byte: UInt8) throws(GraphQLError) -> Bool {
        guard token == .punctuator(byte) else { return false }
        try advance()
        return true
    }

    mutating func expect(_ byte: UInt8) throws(GraphQLError) {
        guard try take(byte) else { throw unexpected("'\(Character(Unicode.Scalar(byte)))'") }
    }

    mutating func takeName() throws(GraphQLError) -> GraphQLName {
        guard case .name(let range) = token else { throw unexpected("a name") }
        let name = GraphQLName(text: ExactText(source.text(range)), place: place)
        try advance()
        return name
    }

    func isWord(_ word: String) -> Bool {
        guard case .name(let range) = token else { return false }
        return source.bytes[range].elementsEqual(word.utf8)
    }

    private func unexpected(_ wanted: String? = nil) -> GraphQLError {
        let found =
            switch token {
            case .punctuator(let byte): "'\(Character(Unicode.Scalar(byte)))'"
            case .spread: "'...'"
            case .name(let range), .int(let range), .float(let range):
                "'\(GraphQLError.quoted(source.bytes[range]))'"
            case .string: "a string"
            case .end: "the end of the document"
            }
        return source.syntaxError(wanted.map { "expected \($0), found \(found)" } ?? "unexpected \(found)", at: place)
    }
}
