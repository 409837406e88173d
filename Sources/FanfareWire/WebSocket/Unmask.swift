import NIOCore

/// Takes a client's mask off, eight bytes at a time (RFC 6455 §5.3).
enum Unmask {
    /// - Parameters:
    ///   - mask: the key as it stood in the header, first byte lowest.
    ///   - phase: how many bytes of the payload went before, modulo 4.
    static func apply(_ mask: UInt32, phase: Int, to bytes: UnsafeMutableRawBufferPointer) {
        guard mask != 0 else { return }
        let turned = UInt32(littleEndian: mask) &>> UInt32(8 * (phase & 3)) | shiftedUp(mask, phase: phase)
        let wide = UInt64(turned) << 32 | UInt64(turned)
        var index = 0
        // All offsets stay below `bytes.count`; unaligned access is what `loadUnaligned` and `storeBytes` are for.
        while index + 8 <= bytes.count {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)) ^ wide
            bytes.storeBytes(of: word.littleEndian, toByteOffset: index, as: UInt64.self)
            index += 8
        }
        var key = turned
        while index < bytes.count {
            bytes[index] ^= UInt8(truncatingIfNeeded: key)
            key = key &>> 8 | key &<< 24
            index += 1
        }
    }

    private static func shiftedUp(_ mask: UInt32, phase: Int) -> UInt32 {
        phase & 3 == 0 ? 0 : mask &<< UInt32(32 - 8 * (phase & 3))
    }
}
