import NIOCore

/// An input, taken apart from its front: choices first, then what the parser reads. Beyond the end everything is 0.
struct FuzzInput {
    private(set) var rest: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

    var isEmpty: Bool { rest.isEmpty }

    mutating func byte() -> UInt8 {
        guard let first = rest.first else { return 0 }
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst())
        return first
    }

    /// A number below `count`, at most 256.
    mutating func pick(_ count: Int) -> Int { Int(byte()) % count }

    mutating func pick<Element>(_ choices: [Element]) -> Element { choices[pick(choices.count)] }

    mutating func bool() -> Bool { byte() & 1 == 1 }

    mutating func integer() -> UInt64 { (0..<8).reduce(0) { value, _ in value << 8 | UInt64(byte()) } }

    /// So many bytes, or what is left.
    mutating func bytes(_ count: Int) -> UnsafeRawBufferPointer {
        let part = UnsafeRawBufferPointer(rebasing: rest.prefix(count))
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
        return part
    }

    /// Up to the next zero, which is taken with it: mutations of texts keep their borders.
    mutating func piece() -> UnsafeRawBufferPointer {
        let part = bytes(rest.firstIndex(of: 0) ?? rest.count)
        _ = byte()
        return part
    }

    /// The same as text; what is not UTF-8 becomes U+FFFD.
    mutating func text() -> String { String(decoding: piece(), as: UTF8.self) }

    /// All that is left, as text.
    var remainder: String { String(decoding: rest, as: UTF8.self) }

    /// All that is left.
    var buffer: ByteBuffer { ByteBuffer(bytes: rest) }
}

extension UnsafeRawBufferPointer {
    var buffer: ByteBuffer { ByteBuffer(bytes: self) }
}

extension String {
    /// By bytes. Foundation's `contains`, which a text as argument may end at, traps for some of what fuzzing makes.
    func holds(_ other: some StringProtocol) -> Bool { utf8.contains(other.utf8) }
}
