/// Which arrays and objects a scanner is in, one bit each. Nothing is allocated for the first 64.
struct JSONNesting {
    /// Arrays and objects that are open.
    private(set) var depth = 0
    /// Most that were open at a time.
    private(set) var deepest = 0
    /// The innermost ones, the last in the lowest bit; 1 is an object.
    private var word: UInt64 = 0
    /// Those around them, 64 in each.
    private var outer: [UInt64] = []

    /// Whether the innermost one is an object.
    var isInObject: Bool { word & 1 == 1 }

    mutating func enter(isObject: Bool) {
        if depth > 0, depth % 64 == 0 {
            outer.append(word)
            word = 0
        }
        word = word << 1 | (isObject ? 1 : 0)
        depth += 1
        deepest = max(deepest, depth)
    }

    /// Only while ``depth`` is above 0.
    mutating func leave() {
        depth -= 1
        if depth > 0, depth % 64 == 0 { word = outer.removeLast() } else { word >>= 1 }
    }
}
