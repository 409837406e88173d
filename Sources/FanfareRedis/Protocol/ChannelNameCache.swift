import FanfareWire

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Channel names by the bytes that Redis sends: the same few come again and again, and checking a name costs more than
/// everything else that a message needs.
///
/// Direct-mapped and bounded: a name that hashes to a taken place takes it over.
struct ChannelNameCache {
    private struct Place {
        var bytes: [UInt8]
        var name: ChannelName
    }

    private static let size = 1_024
    private var places: [Place?] = Array(repeating: nil, count: size)

    /// The name that these bytes are, behind `prefix` and before `suffix`; `nil` when they are none.
    mutating func name(_ bytes: UnsafeRawBufferPointer, prefix: [UInt8], suffix: [UInt8] = []) -> ChannelName? {
        let index = Int(truncatingIfNeeded: Self.hash(bytes) & UInt64(Self.size - 1))
        if let place = places[index], Self.isEqual(place.bytes, bytes) { return place.name }
        guard bytes.count > prefix.count + suffix.count, bytes.starts(with: prefix),
            bytes.suffix(suffix.count).elementsEqual(suffix),
            let text = String(
                validating: UnsafeRawBufferPointer(rebasing: bytes[prefix.count..<bytes.count - suffix.count]),
                as: UTF8.self),
            let name = (try? ChannelName(text)) ?? ChannelName(reserved: text)
        else { return nil }
        places[index] = Place(bytes: Array(bytes), name: name)
        return name
    }

    private static func isEqual(_ known: [UInt8], _ bytes: UnsafeRawBufferPointer) -> Bool {
        known.withUnsafeBytes { known in
            // Both pointers cover `count` bytes; neither is empty, for a name in the cache has bytes.
            guard known.count == bytes.count, let one = known.baseAddress, let other = bytes.baseAddress else {
                return false
            }
            return memcmp(one, other, known.count) == 0
        }
    }

    /// FNV-1a. Whoever can choose channel names can only make them miss, which costs what every name cost without this.
    private static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return hash ^ hash >> 32
    }
}
