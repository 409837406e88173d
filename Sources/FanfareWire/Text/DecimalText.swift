/// Decimal numbers as text, compared exactly, however many digits they have: `-12.50` is less than `3`.
enum DecimalText {
    /// Whether `text` is a number: digits, perhaps with a sign before them, a point among them.
    static func isNumber(_ text: ExactText) -> Bool { Parts(text.utf8[...]) != nil }

    /// Below 0, 0 or above, as the first is less than, the same as or more than the second; `nil`: one of them is no number.
    static func compare(_ first: ExactText, _ second: ExactText) -> Int? {
        guard let left = Parts(first.utf8[...]), let right = Parts(second.utf8[...]) else { return nil }
        guard left.isNegative == right.isNegative else { return left.isNegative ? -1 : 1 }
        let order = left.compareSize(right)
        return left.isNegative ? -order : order
    }

    private struct Parts {
        /// Never for zero.
        let isNegative: Bool
        /// Without zeros before it.
        let whole: Substring.UTF8View
        /// Without zeros behind it.
        let fraction: Substring.UTF8View

        init?(_ text: Substring.UTF8View) {
            var digits = text
            let sign = digits.first
            if sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { digits.removeFirst() }
            let point = digits.firstIndex(of: UInt8(ascii: "."))
            var (whole, fraction) = (digits[..<(point ?? digits.endIndex)], digits[digits.endIndex...])
            if let point {
                fraction = digits[digits.index(after: point)...]
                guard !fraction.isEmpty else { return nil }
            }
            guard !whole.isEmpty, whole.allSatisfy(Self.isDigit), fraction.allSatisfy(Self.isDigit) else { return nil }
            whole = whole.drop { $0 == UInt8(ascii: "0") }
            while fraction.last == UInt8(ascii: "0") { fraction.removeLast() }
            (self.whole, self.fraction) = (whole, fraction)
            isNegative = sign == UInt8(ascii: "-") && !(whole.isEmpty && fraction.isEmpty)
        }

        private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

        func compareSize(_ other: Parts) -> Int {
            if whole.count != other.whole.count { return whole.count < other.whole.count ? -1 : 1 }
            if !whole.elementsEqual(other.whole) { return whole.lexicographicallyPrecedes(other.whole) ? -1 : 1 }
            if fraction.elementsEqual(other.fraction) { return 0 }
            return fraction.lexicographicallyPrecedes(other.fraction) ? -1 : 1
        }
    }
}
