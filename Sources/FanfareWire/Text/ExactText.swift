#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Text that is equal to other text only when both have the same bytes of UTF-8.
///
/// Swift's `==`, `Set<String>` and `[String: …]` compare by canonical equivalence: `"\u{212A}"` (KELVIN SIGN) equals `"K"`,
/// and `é` in one scalar equals `é` in two. For JSON and for tokens these are different texts (RFC 8259 §8.3, RFC 7519
/// §7.3), and Redis keeps them apart. So everything that decides about access (users, claims, names of channels before they
/// are a ``ChannelName``, keys of JSON objects) is of this type. It can't be compared with a `String`.
public struct ExactText: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
    /// The text, for reading and writing, not for comparing; always native and contiguous UTF-8.
    public let string: String

    public init(_ string: String) {
        var string = string
        string.makeContiguousUTF8()
        self.string = string
    }

    public init(_ part: Substring) { self.init(String(part)) }

    public init(stringLiteral text: StaticString) { self.init(text.description) }

    public var utf8: String.UTF8View { string.utf8 }
    public var isEmpty: Bool { string.isEmpty }
    public var description: String { string }

    public static func == (lhs: ExactText, rhs: ExactText) -> Bool { lhs.string.hasSameBytes(as: rhs.string) }

    public func hash(into hasher: inout Hasher) { string.hashBytes(into: &hasher) }
}

extension String {
    /// Whether both texts are the same bytes of UTF-8.
    func hasSameBytes(as other: String) -> Bool {
        let isEqual = utf8.withContiguousStorageIfAvailable { left in
            other.utf8.withContiguousStorageIfAvailable { right in
                guard left.count == right.count else { return false }
                // Without memory both are empty. Else both are as long as `memcmp` is told, and it only reads.
                guard let left = left.baseAddress, let start = right.baseAddress else { return true }
                return memcmp(left, start, right.count) == 0
            }
        }
        return isEqual.flatMap(\.self) ?? utf8.elementsEqual(other.utf8)
    }

    /// The hash that goes with ``hasSameBytes(as:)``.
    func hashBytes(into hasher: inout Hasher) {
        var copy = self
        copy.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

extension StringProtocol {
    /// Whether the text is `word` but for the case of ASCII letters, as HTTP compares its tokens (RFC 9110 §5.6.2).
    /// `lowercased()` makes a `k` of the KELVIN SIGN.
    public func isToken(_ word: StaticString) -> Bool {
        utf8.count == word.utf8CodeUnitCount
            && utf8.elementsEqual(UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)) {
                $0.asciiLowercased == $1.asciiLowercased
            }
    }

    /// The text with its ASCII letters in lower case and all else as it is.
    public var asciiLowercased: String { String(decoding: utf8.lazy.map(\.asciiLowercased), as: UTF8.self) }
}

extension UInt8 {
    fileprivate var asciiLowercased: UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self
    }
}
