import NIOCore

/// An array's first elements as raw bytes, and how many there are: for readers that want a few of them and the very bytes of each.
/// What it keeps is bounded, however long the array is.
public struct JSONElements: Sendable, Equatable {
    /// The first elements, at most as many as were asked for.
    public let first: [JSONMembers.Value]
    /// All elements.
    public let count: Int

    /// Reads one whole JSON array; `nil` for anything else. One pass.
    ///
    /// - Parameters:
    ///   - buffer: UTF-8.
    ///   - limit: most elements that are kept.
    public init?(_ buffer: ByteBuffer, keeping limit: Int) {
        let found = buffer.withUnsafeReadableBytes { raw -> (ranges: [Range<Int>], count: Int)? in
            var scanner = JSONScanner(raw)
            guard scanner.take(UInt8(ascii: "[")) else { return nil }
            var (ranges, count): ([Range<Int>], Int) = ([], 0)
            if !scanner.take(UInt8(ascii: "]")) {
                repeat {
                    guard let range = scanner.value() else { return nil }
                    if count < limit { ranges.append(range) }
                    count += 1
                } while scanner.take(UInt8(ascii: ","))
                guard scanner.take(UInt8(ascii: "]")) else { return nil }
            }
            scanner.skipWhitespace()
            return scanner.isAtEnd ? (ranges, count) : nil
        }
        guard let found else { return nil }
        first = found.ranges.map { JSONMembers.Value(bytes: buffer.slice($0)) }
        count = found.count
    }
}
