/// A text to look for in others, in time linear in both whatever they are, and without allocations (Knuth, Morris, Pratt).
public struct TextPattern: Sendable, Hashable {
    public let text: ExactText
    /// For each byte of the text, how many bytes before and with it are also the text's beginning.
    private let borders: [UInt16]

    /// - Parameter text: of less than 64 KiB, as every filter's; of a longer one only that much is looked for.
    public init(_ text: ExactText) {
        let bytes = Array(text.utf8.prefix(Int(UInt16.max)))
        var borders = [UInt16](repeating: 0, count: bytes.count)
        var length = 0
        for index in bytes.indices.dropFirst() {
            while length > 0, bytes[index] != bytes[length] { length = Int(borders[length - 1]) }
            if bytes[index] == bytes[length] { length += 1 }
            borders[index] = UInt16(length)
        }
        self.text = text
        self.borders = borders
    }

    /// Whether it is somewhere in another text.
    public func isPart(of other: ExactText) -> Bool {
        guard !borders.isEmpty else { return true }
        let found = text.utf8.withContiguousStorageIfAvailable { pattern in
            var length = 0
            for byte in other.utf8 {
                while length > 0, byte != pattern[length] { length = Int(borders[length - 1]) }
                if byte == pattern[length] { length += 1 }
                if length == borders.count { return true }
            }
            return false
        }
        return found ?? false
    }
}
