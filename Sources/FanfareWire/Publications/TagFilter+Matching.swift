/// Holding tags against a filter: without allocations, and linear in the bytes of both for each comparison.
extension TagFilter.Node {
    func matches(_ tags: PublicationTags) -> Bool {
        switch self {
        case .compare(let key, let comparison): comparison.holds(for: tags[key])
        case .all(let parts): parts.allSatisfy { $0.matches(tags) }
        case .any(let parts): parts.contains { $0.matches(tags) }
        case .not(let part): !part.matches(tags)
        }
    }
}

extension TagFilter.Comparison {
    /// - Parameter tag: the value of the tag; `nil`: the publication has none of that name.
    func holds(for tag: ExactText?) -> Bool {
        switch self {
        case .exists: tag != nil
        case .missing: tag == nil
        case .equal(let value): tag == value
        case .notEqual(let value): tag != value
        case .oneOf(let values): values.contains(tag ?? "")
        case .noneOf(let values): !values.contains(tag ?? "")
        case .startsWith(let value): tag.map { $0.utf8.starts(with: value.utf8) } ?? false
        case .endsWith(let value): tag.map { $0.utf8.reversed().starts(with: value.utf8.reversed()) } ?? false
        case .contains(let pattern): tag.map(pattern.isPart) ?? false
        case .ordered(let order, let value): tag.flatMap { DecimalText.compare($0, value) }.map(order.holds) ?? false
        }
    }
}

extension TagFilter.Order {
    fileprivate func holds(for comparison: Int) -> Bool {
        switch self {
        case .less: comparison < 0
        case .notMore: comparison <= 0
        case .more: comparison > 0
        case .notLess: comparison >= 0
        }
    }
}
