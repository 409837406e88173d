import NIOCore

/// Finds what of a target is in its base, from left to right, and has it written as a ``FossilDelta``.
struct FossilMatcher {
    /// Bytes that are looked up at once, and the least that is copied: a copy takes four to nine.
    private static let window = 8
    /// The base is in the table at every such offset: what is alike in `window + step - 1` bytes is found.
    private static let step = 4
    /// Shorter copies cost more than they save.
    private static let leastCopy = 8

    private let base: UnsafeRawBufferPointer
    private let target: UnsafeRawBufferPointer
    private let keepsCharacters: Bool
    private var writer: FossilDeltaWriter
    /// Bytes of the target that are written.
    private var written = 0
    /// How far behind its place in the target the last copy was in the base: what follows a change of the same length is there.
    private var lag = 0

    init(base: UnsafeRawBufferPointer, target: UnsafeRawBufferPointer, keepsCharacters: Bool) {
        self.base = base
        self.target = target
        self.keepsCharacters = keepsCharacters
        writer = FossilDeltaWriter(target: target)
    }

    mutating func run() -> ByteBuffer? {
        let shorter = min(base.count, target.count)
        var prefix = 0
        while prefix < shorter, base[prefix] == target[prefix] { prefix += 1 }
        copy(from: 0, to: 0, prefix)
        var suffix = 0
        while suffix < shorter - written, base[base.count - 1 - suffix] == target[target.count - 1 - suffix] {
            suffix += 1
        }
        search(to: target.count - suffix)
        // A copy may have gone on into what both end with.
        let left = min(suffix, target.count - written)
        copy(from: base.count - left, to: target.count - left, left)
        writer.insert(written..<target.count)
        return writer.end()
    }

    /// Looks for the target's bytes up to `end` in the whole base.
    private mutating func search(to end: Int) {
        guard end - written >= Self.window, base.count >= Self.window else { return }
        let slots = base.count / Self.step + 1
        let bits = max(4, Int.bitWidth - slots.leadingZeroBitCount)
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: 1 << bits) { table in
            table.initialize(repeating: -1)
            for offset in stride(from: base.count - Self.window, through: 0, by: -Self.step) {
                table[Self.hash(word(base, offset), bits)] = Int32(truncatingIfNeeded: offset)
            }
            var place = written
            while place + Self.window <= end, !writer.isTooLong {
                let wanted = word(target, place)
                let (near, far) = (place - lag, Int(table[Self.hash(wanted, bits)]))
                let (nearCount, farCount) = (alike(near, place, wanted), far == near ? 0 : alike(far, place, wanted))
                let (from, count) = nearCount >= farCount ? (near, nearCount) : (far, farCount)
                guard count > 0 else {
                    place += 1
                    continue
                }
                // What comes before it may be the same, too: the table does not have every offset.
                var before = 0
                while place - before > written, from - before > 0,
                    base[from - before - 1] == target[place - before - 1]
                { before += 1 }
                copy(from: from - before, to: place - before, count + before)
                place = max(place + 1, written)
            }
        }
    }

    /// How many bytes at two places are the same; 0 if fewer than a window.
    private func alike(_ from: Int, _ to: Int, _ wanted: UInt64) -> Int {
        guard from >= 0, from + Self.window <= base.count, word(base, from) == wanted else { return 0 }
        let most = min(base.count - from, target.count - to)
        var count = Self.window
        while count + 8 <= most, word(base, from + count) == word(target, to + count) { count += 8 }
        while count < most, base[from + count] == target[to + count] { count += 1 }
        return count
    }

    /// Writes a copy and, before it, what is not written yet; nothing where the copy is too short.
    private mutating func copy(from: Int, to: Int, _ count: Int) {
        var (first, last) = (to, to + count)
        if keepsCharacters {
            // A character has three such bytes at most.
            while first < min(last, to + 3), isWithinCharacter(first) { first += 1 }
            while last > max(first, to + count - 3), isWithinCharacter(last) { last -= 1 }
        }
        guard last - first >= Self.leastCopy, first >= written else { return }
        writer.insert(written..<first)
        writer.copy(last - first, from: from + (first - to))
        written = last
        lag = to - from
    }

    /// Whether a cut before that byte of the target would be in the midst of a character.
    private func isWithinCharacter(_ place: Int) -> Bool { place < target.count && target[place] & 0xC0 == 0x80 }

    private func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
        bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }

    /// By multiplication with 2⁶⁴ divided by the golden ratio.
    private static func hash(_ word: UInt64, _ bits: Int) -> Int {
        Int((word &* 0x9E37_79B9_7F4A_7C15) >> UInt64(64 - bits))
    }
}
