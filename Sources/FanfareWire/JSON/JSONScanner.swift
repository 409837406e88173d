/// Walks over JSON text (RFC 8259) without building anything: checks the grammar and says where values begin and end.
///
/// The bytes are taken to be UTF-8 already. Escapes are checked for their form; whether `\uD800` has a partner matters
/// only where a string is decoded (``decodedString(_:)``), so a client's data may hold lone surrogates, as RFC 8259 §8.2
/// allows. Works within a `withUnsafeReadableBytes` closure and never reads outside of it. Follows nesting of any depth without
/// recursion: how deep data may be is for ``JSONDepth`` to say.
public struct JSONScanner {
    private let bytes: UnsafeRawBufferPointer
    private(set) var index: Int
    /// Most arrays and objects within each other that a value had so far.
    private(set) var deepest = 0

    init(_ bytes: UnsafeRawBufferPointer, at index: Int = 0) {
        self.bytes = bytes
        self.index = index
    }

    /// Whether `bytes` are one JSON value and nothing else but whitespace.
    public static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var scanner = JSONScanner(bytes)
        guard scanner.value() != nil else { return false }
        scanner.skipWhitespace()
        return scanner.isAtEnd
    }

    var isAtEnd: Bool { index >= bytes.count }

    mutating func skipWhitespace() {
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): index += 1
            default: return
            }
        }
    }

    /// Takes `byte` after whitespace, if it comes next.
    mutating func take(_ byte: UInt8) -> Bool {
        skipWhitespace()
        guard index < bytes.count, bytes[index] == byte else { return false }
        index += 1
        return true
    }

    /// The next byte after whitespace, which stays.
    mutating func peek() -> UInt8? {
        skipWhitespace()
        return index < bytes.count ? bytes[index] : nil
    }

    /// Skips one value and gives its place; `nil` when it is not JSON.
    mutating func value() -> Range<Int>? {
        skipWhitespace()
        let start = index
        var nesting = JSONNesting()
        while true {
            guard let isComplete = begin(&nesting) else { return nil }
            guard isComplete else { continue }
            guard let goesOn = afterValue(&nesting) else { return nil }
            guard goesOn else {
                deepest = max(deepest, nesting.deepest)
                return start..<index
            }
        }
    }

    /// Takes a value without parts, or what comes before the first part of an array or object. Whether the value is complete;
    /// `nil` when it is not JSON.
    private mutating func begin(_ nesting: inout JSONNesting) -> Bool? {
        guard let first = peek() else { return nil }
        let isValid: Bool
        switch first {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            let isObject = first == UInt8(ascii: "{")
            index += 1
            nesting.enter(isObject: isObject)
            guard !take(isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
                nesting.leave()
                return true
            }
            isValid = !isObject || key()
            return isValid ? false : nil
        case UInt8(ascii: "\""): isValid = string() != nil
        case UInt8(ascii: "t"): isValid = literal("true")
        case UInt8(ascii: "f"): isValid = literal("false")
        case UInt8(ascii: "n"): isValid = literal("null")
        default: isValid = number()
        }
        return isValid ? true : nil
    }

    /// Takes what follows a value: the ends of arrays and objects, or the comma before the next part. Whether a value follows;
    /// `nil` when it is not JSON.
    private mutating func afterValue(_ nesting: inout JSONNesting) -> Bool? {
        while nesting.depth > 0 {
            let isObject = nesting.isInObject
            if take(UInt8(ascii: ",")) { return !isObject || key() ? true : nil }
            guard take(isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else { return nil }
            nesting.leave()
        }
        return false
    }

    /// Takes a member's key and its colon.
    private mutating func key() -> Bool { string() != nil && take(UInt8(ascii: ":")) }

    /// Skips a string and gives the place of what is between its quotes.
    mutating func string() -> Range<Int>? {
        guard take(UInt8(ascii: "\"")) else { return nil }
        let start = index
        while index < bytes.count {
            // Eight bytes at a time while none is a quote, a backslash or a control character.
            while index + 8 <= bytes.count, Self.isPlain(bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)) {
                index += 8
            }
            guard index < bytes.count else { return nil }
            switch bytes[index] {
            case UInt8(ascii: "\""):
                index += 1
                return start..<index - 1
            case UInt8(ascii: "\\"):
                guard escape() else { return nil }
            case 0..<0x20:
                return nil
            default:
                index += 1
            }
        }
        return nil
    }

    /// Whether none of the eight bytes needs a look: the classic zero-byte test, for `"`, `\` and bytes below 0x20.
    private static func isPlain(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        let quote = word ^ (ones &* 0x22)
        let backslash = word ^ (ones &* 0x5C)
        let special =
            ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash) | ((word &- ones &* 0x20) & ~word)
        return special & highs == 0
    }

    private mutating func escape() -> Bool {
        guard index + 1 < bytes.count else { return false }
        switch bytes[index + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            index += 2
            return true
        case UInt8(ascii: "u"):
            guard index + 5 < bytes.count, Self.hex(bytes, at: index + 2) != nil else { return false }
            index += 6
            return true
        default:
            return false
        }
    }

    private mutating func literal(_ text: StaticString) -> Bool {
        guard index + text.utf8CodeUnitCount <= bytes.count else { return false }
        for offset in 0..<text.utf8CodeUnitCount where bytes[index + offset] != text.utf8Start[offset] { return false }
        index += text.utf8CodeUnitCount
        return true
    }

    private mutating func number() -> Bool {
        if index < bytes.count, bytes[index] == UInt8(ascii: "-") { index += 1 }
        guard index < bytes.count else { return false }
        if bytes[index] == UInt8(ascii: "0") {
            index += 1
        } else {
            guard digits() else { return false }
        }
        if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
            index += 1
            guard digits() else { return false }
        }
        if index < bytes.count, bytes[index] | 0x20 == UInt8(ascii: "e") {
            index += 1
            if index < bytes.count, bytes[index] == UInt8(ascii: "+") || bytes[index] == UInt8(ascii: "-") {
                index += 1
            }
            guard digits() else { return false }
        }
        return true
    }

    private mutating func digits() -> Bool {
        let start = index
        while index < bytes.count, bytes[index] >= UInt8(ascii: "0"), bytes[index] <= UInt8(ascii: "9") { index += 1 }
        return index > start
    }

    /// Four hexadecimal digits as a number.
    static func hex(_ bytes: UnsafeRawBufferPointer, at start: Int) -> UInt16? {
        guard start + 4 <= bytes.count else { return nil }
        var value: UInt16 = 0
        for index in start..<start + 4 {
            switch bytes[index] {
            case let digit where digit >= UInt8(ascii: "0") && digit <= UInt8(ascii: "9"):
                value = value << 4 | UInt16(digit - UInt8(ascii: "0"))
            case let digit where digit | 0x20 >= UInt8(ascii: "a") && digit | 0x20 <= UInt8(ascii: "f"):
                value = value << 4 | UInt16((digit | 0x20) - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return value
    }
}
