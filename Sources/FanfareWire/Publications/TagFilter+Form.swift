/// Filters as protocols spell them: an operation with nodes, or a comparison of the tag `key` with `val` or `vals`.
extension TagFilter.Node {
    /// - Parameters:
    ///   - op: `and`, `or`, `not`, or empty for a comparison.
    ///   - cmp: what is compared; only in a comparison.
    public init(
        op: ExactText, key: ExactText = "", cmp: ExactText = "", val: ExactText = "", vals: [ExactText] = [],
        nodes: [TagFilter.Node] = []
    ) throws(TagFilterError) {
        switch op {
        case "":
            self = .compare(key, try Self.comparison(key, cmp, val, vals))
        case "and", "or":
            guard !nodes.isEmpty else { throw .form("the operation '\(op)' without nodes") }
            self = op == "and" ? .all(nodes) : .any(nodes)
        case "not":
            guard let node = nodes.first, nodes.count == 1 else {
                throw .form("the operation 'not' with \(nodes.count) nodes instead of one")
            }
            self = .not(node)
        default: throw .unknown("the operation '\(op.string.prefix(16))'")
        }
    }

    private static func comparison(
        _ key: ExactText, _ cmp: ExactText, _ val: ExactText, _ vals: [ExactText]
    ) throws(TagFilterError) -> TagFilter.Comparison {
        let (comparison, takesValue, takesList) = try comparison(cmp, val, vals)
        guard val.isEmpty != takesValue else {
            throw .form("the comparison '\(cmp)' with\(takesValue ? "out" : "") 'val'")
        }
        guard vals.isEmpty != takesList else {
            throw .form("the comparison '\(cmp)' with\(takesList ? "out" : "") 'vals'")
        }
        guard !key.isEmpty || !takesValue && !takesList else { throw .form("the comparison '\(cmp)' without 'key'") }
        if case .ordered = comparison, !DecimalText.isNumber(val) {
            throw .form("the comparison '\(cmp)' with what is no decimal number")
        }
        return comparison
    }

    /// A comparison, and whether it takes a value or a list of them.
    private static func comparison(
        _ cmp: ExactText, _ val: ExactText, _ vals: [ExactText]
    ) throws(TagFilterError) -> (TagFilter.Comparison, Bool, Bool) {
        switch cmp {
        case "eq": (.equal(val), true, false)
        case "neq": (.notEqual(val), true, false)
        case "in": (.oneOf(vals), false, true)
        case "nin": (.noneOf(vals), false, true)
        case "ex": (.exists, false, false)
        case "nex": (.missing, false, false)
        case "sw": (.startsWith(val), true, false)
        case "ew": (.endsWith(val), true, false)
        case "ct": (.contains(TextPattern(val)), true, false)
        case "lt": (.ordered(.less, val), true, false)
        case "lte": (.ordered(.notMore, val), true, false)
        case "gt": (.ordered(.more, val), true, false)
        case "gte": (.ordered(.notLess, val), true, false)
        default: throw .unknown("the comparison '\(cmp.string.prefix(16))'")
        }
    }
}
