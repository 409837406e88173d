/// A value in memory of its own, so that an enum does not grow with its largest case: of a node's clients most are the small ones.
/// Copies share the memory until one of them changes.
public struct Boxed<Value: Sendable>: Sendable {
    /// Unchecked, because the compiler can't see it: its value only changes where one owner has it (``Boxed/value``), and others only read it.
    private final class Box: @unchecked Sendable {
        var value: Value
        init(_ value: Value) { self.value = value }
    }

    private var box: Box

    public init(_ value: Value) { box = Box(value) }

    public var value: Value {
        get { box.value }
        _modify {
            if !isKnownUniquelyReferenced(&box) { box = Box(box.value) }
            yield &box.value
        }
    }
}
