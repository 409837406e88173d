/// Which publications a subscription gets, by their tags (`client.proto`: FilterNode). Equal filters are equal values: a
/// publication is held against each of them once, however many subscriptions have it.
///
/// All texts are compared by their bytes.
public struct TagFilter: Sendable, Hashable {
    /// A comparison, or a combination of others.
    public indirect enum Node: Sendable, Hashable {
        case compare(ExactText, Comparison)
        case all([Node])
        case any([Node])
        case not(Node)
    }

    /// What is asked of the tag with a key. What is asked of a value does not hold where there is no such tag, unless it is
    /// asked not to be.
    public enum Comparison: Sendable, Hashable {
        case equal(ExactText)
        case notEqual(ExactText)
        /// A tag that is not there counts as the empty text, here and in the next one.
        case oneOf([ExactText])
        case noneOf([ExactText])
        case exists
        case missing
        case startsWith(ExactText)
        case endsWith(ExactText)
        case contains(TextPattern)
        /// As decimal numbers; does not hold for a tag that is none.
        case ordered(Order, ExactText)
    }

    /// How a number is to be in relation to another.
    public enum Order: Sendable, Hashable {
        case less
        case notMore
        case more
        case notLess
    }

    let root: Node
    /// Comparisons, combinations and values of lists: what holding tags against it costs at most is so many times what one does.
    public let size: Int

    /// Throws which bound it is above.
    public init(_ root: Node) throws(TagFilterError) {
        var size = Size()
        try size.add(root, depth: 1)
        self.root = root
        self.size = size.nodes + size.values
    }

    /// Whether a publication with these tags passes.
    public func matches(_ tags: PublicationTags) -> Bool { root.matches(tags) }

    private struct Size {
        var nodes = 0
        var values = 0
        var bytes = 0

        mutating func add(_ node: Node, depth: Int) throws(TagFilterError) {
            guard depth <= maximumDepth else { throw .tooDeep }
            nodes += 1
            guard nodes <= maximumNodes else { throw .tooManyNodes }
            switch node {
            case .all(let parts), .any(let parts): for part in parts { try add(part, depth: depth + 1) }
            case .not(let part): try add(part, depth: depth + 1)
            case .compare(let key, let comparison):
                bytes += key.utf8.count + comparison.values.reduce(0) { $0 + $1.utf8.count }
                if comparison.isList { values += comparison.values.count }
                guard values <= maximumValues else { throw .tooManyValues }
                guard bytes <= maximumBytes else { throw .tooLong }
            }
        }
    }
}

extension TagFilter.Comparison {
    fileprivate var values: [ExactText] {
        switch self {
        case .equal(let value), .notEqual(let value), .startsWith(let value), .endsWith(let value),
            .ordered(_, let value):
            [value]
        case .contains(let pattern): [pattern.text]
        case .oneOf(let values), .noneOf(let values): values
        case .exists, .missing: []
        }
    }

    fileprivate var isList: Bool {
        switch self {
        case .oneOf, .noneOf: true
        default: false
        }
    }
}

/// Why a filter was not taken.
public enum TagFilterError: Error, Equatable, CustomStringConvertible {
    case tooDeep
    case tooManyNodes
    case tooManyValues
    case tooLong
    /// An operation or comparison that there is not.
    case unknown(String)
    /// What an operation or comparison lacks, or may not have.
    case form(String)

    public var description: String {
        switch self {
        case .tooDeep: "a filter is nested deeper than \(TagFilter.maximumDepth) levels"
        case .tooManyNodes: "a filter has more than \(TagFilter.maximumNodes) nodes"
        case .tooManyValues: "a filter has more than \(TagFilter.maximumValues) values in its lists"
        case .tooLong: "a filter has more than \(TagFilter.maximumBytes) bytes of keys and values"
        case .unknown(let what): "a filter has \(what), which is unknown"
        case .form(let what): "a filter has \(what)"
        }
    }
}
