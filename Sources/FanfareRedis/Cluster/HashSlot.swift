/// The hash slots of a Redis Cluster: which of 16,384 a key or a channel's name belongs to.
enum HashSlot {
    static let count = 16_384

    /// The slot of a name in Redis: of what stands between its first `{` and the next `}` if that is something.
    static func slot(of name: some Collection<UInt8>) -> Int {
        if let open = name.firstIndex(of: UInt8(ascii: "{")) {
            let rest = name[name.index(after: open)...]
            if let close = rest.firstIndex(of: UInt8(ascii: "}")), close != rest.startIndex {
                return Int(crc16(rest[..<close])) % count
            }
        }
        return Int(crc16(name)) % count
    }

    /// A short text whose slot is one of those.
    static func tag(where isWanted: (Int) -> Bool) -> String? {
        // A node that owns a single slot needs some 16,000 tries; a hundred thousand miss one slot in 400 such nodes.
        for number in 0..<200_000 {
            let text = String(number)
            if isWanted(Int(crc16(text.utf8)) % count) { return text }
        }
        return nil
    }

    /// A short text in that slot.
    static func tag(of slot: Int) -> String { String(numbers[slot]) }

    /// A number for each slot whose decimal text is in it.
    private static let numbers: [Int] = {
        var numbers = [Int](repeating: -1, count: count)
        var (number, left) = (0, count)
        while left > 0 {
            let slot = Int(crc16(String(number).utf8)) % count
            if numbers[slot] < 0 {
                numbers[slot] = number
                left -= 1
            }
            number += 1
        }
        return numbers
    }()

    /// CRC-16/XMODEM: polynomial 0x1021, from 0, no reflection.
    static func crc16(_ bytes: some Sequence<UInt8>) -> UInt16 {
        bytes.reduce(0) { ($0 << 8) ^ table[Int(UInt8(truncatingIfNeeded: $0 >> 8) ^ $1)] }
    }

    private static let table: [UInt16] = (0..<256).map { index in
        (0..<8).reduce(UInt16(index) << 8) { value, _ in value & 0x8000 != 0 ? value << 1 ^ 0x1021 : value << 1 }
    }
}
