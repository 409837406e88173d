/// Values for those wire formats that have one, in no particular order. Usually that is one format: the first one is kept in
/// place, an array is allocated for the second. Looking for a format is linear in their number.
///
/// All of it is inlined where it is used, in other modules, too. Values are changed in place by ``update(at:_:)``, for an
/// accessor that yields, and is not inlined, costs an allocation.
public struct PerFormat<Value> {
    /// A format and its value.
    public struct Element {
        public let format: WireFormat
        public var value: Value

        @inlinable
        init(format: WireFormat, value: Value) {
            self.format = format
            self.value = value
        }
    }

    /// `nil` only when there are none at all.
    @usableFromInline
    var first: Element?
    @usableFromInline
    var others: [Element] = []

    @inlinable
    public init() {}

    @inlinable
    public var count: Int { first == nil ? 0 : 1 + others.count }

    /// The place of a format.
    @inlinable
    public func index(of format: WireFormat) -> Int? {
        if first?.format == format { return 0 }
        return others.firstIndex { $0.format == format }.map { $0 + 1 }
    }

    /// The value of a format.
    @inlinable
    public subscript(format: WireFormat) -> Value? {
        if let first, first.format == format { return first.value }
        for other in others where other.format == format { return other.value }
        return nil
    }

    /// Adds a format that is not among them. Returns its place.
    @inlinable
    @discardableResult
    public mutating func add(_ format: WireFormat, _ value: Value) -> Int {
        let element = Element(format: format, value: value)
        if first == nil { first = element } else { others.append(element) }
        return count - 1
    }

    /// Removes the format at a place; another one may move there.
    @inlinable
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
    @inlinable
    public var startIndex: Int { 0 }
    @inlinable
    public var endIndex: Int { count }

    // There is a first one wherever there is an index.
    @inlinable
    public subscript(index: Int) -> Element {
        @inline(__always) get { index == 0 ? first! : others[index - 1] }
    }
}

extension PerFormat {
    /// Changes the value at a place.
    @inlinable
    @inline(__always)
    public mutating func update<Result>(at index: Int, _ body: (inout Value) -> Result) -> Result {
        index == 0 ? body(&first!.value) : body(&others[index - 1].value)
    }
}

extension PerFormat.Element: Sendable where Value: Sendable {}
extension PerFormat: Sendable where Value: Sendable {}
