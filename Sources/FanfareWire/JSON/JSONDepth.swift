import NIOCore

/// How deep the JSON may be that a node hands on: publications, and what tokens say of their bearers.
///
/// One limit, held where data comes in: a command is answered with error 107, HTTP with 400, a raw client is closed with 3501.
/// Readers of JSON recurse, and most of them stop: .NET's at 64 levels, Swift's Foundation at 512, Python's at about 1,000. A
/// message that a subscriber's library can't read ends it or its connection, so nobody shall be able to send one. Members that
/// are deeper in Redis are left out; publications that are there already are handed on as they are. Text that is not JSON has
/// no depth.
public enum JSONDepth {
    /// For whoever sent it.
    public static let problem = "data is nested deeper than \(maximum) arrays and objects"

    /// Whether `text` is JSON that is nested deeper than ``maximum``.
    public static func isExceeded(by text: ByteBuffer) -> Bool {
        text.withUnsafeReadableBytes { bytes in
            // As many opening and closing characters have to be there, and most messages are shorter or begin otherwise.
            guard bytes.count > 2 * maximum else { return false }
            var scanner = JSONScanner(bytes)
            guard let first = scanner.peek(), first == UInt8(ascii: "[") || first == UInt8(ascii: "{") else {
                return false
            }
            guard scanner.value() != nil, scanner.deepest > maximum else { return false }
            scanner.skipWhitespace()
            return scanner.isAtEnd
        }
    }
}

extension Payload {
    /// Whether this is JSON that is nested deeper than any may be that clients and backends send.
    public var isNestedTooDeep: Bool { kind == .text && JSONDepth.isExceeded(by: bytes) }
}
