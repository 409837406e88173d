/// Values for those wire formats that have one, in no particular order. Usually that is one format: the first one is kept in
/// place, an array is allocated for the second. Looking for a format is linear in their number.
public struct PerFormat<Value> {
    /// A format and its value.
    public struct Element {
        public let format: WireFormat
        public var value: Value
    }

    /// `nil` only when there are none at all.
    private var first: Element?
    private var others: [Element] = []

    public init() {}

    public var count: Int { first == nil ? 0 : 1 + others.count }

    /// The place of a format.
    public func index(of format: WireFormat) -> Int? {
        if first?.format == format { return 0 }
        return others.firstIndex { $0.format == format }.map { $0 + 1 }
    }

    /// The value of a format.
    public subscript(format: WireFormat) -> Value? {
        if let first, first.format == format { return first.value }
        for other in others where other.format == format { return other.value }
        return nil
    }

    /// Adds a format that is not among them. Returns its place.
    @discardableResult
    public mutating func add(_ format: WireFormat, _ value: Value) -> Int {
        let element = Element(format: format, value: value)
        if first == nil { first = element } else { others.append(element) }
        return count - 1
    }

    /// Removes the format at a place; another one may move there.
    public mutating func remove(at index: Int) {
        if index == 0 {
            first = others.popLast()
        } else {
            others.swapAt(index - 1, others.count - 1)
            others.removeLast()
        }
    }
}

extension PerFormat: RandomAccessCollection {
    public var startIndex: Int { 0 }
    public var endIndex: Int { count }

    // Inlined always: an accessor that yields and is called costs an allocation. There is a first one wherever there is an index.
    public subscript(index: Int) -> Element {
        @inline(__always) _read {
            if index == 0 { yield first! } else { yield others[index - 1] }
        }
        @inline(__always) _modify {
            if index == 0 { yield &first! } else { yield &others[index - 1] }
        }
    }
}

extension PerFormat.Element: Sendable where Value: Sendable {}
extension PerFormat: Sendable where Value: Sendable {}
