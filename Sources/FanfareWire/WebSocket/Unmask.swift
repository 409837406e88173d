import NIOCore

/// Takes a client's mask off, eight bytes at a time (RFC 6455 §5.3).
enum Unmask {
    /// Appends `bytes` to `buffer`, unmasked.
    ///
    /// - Parameters:
    ///   - mask: the key as it stood in the header, first byte lowest.
    ///   - phase: how many bytes of the payload went before.
    static func write(_ bytes: UnsafeRawBufferPointer, mask: UInt32, phase: Int, to buffer: inout ByteBuffer) {
        guard !bytes.isEmpty else { return }
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: bytes.count) { target in
            copy(bytes, mask: mask, phase: phase, to: target)
            return bytes.count
        }
    }

    private static func copy(
        _ bytes: UnsafeRawBufferPointer, mask: UInt32, phase: Int, to target: UnsafeMutableRawBufferPointer
    ) {
        let turned = UInt32(littleEndian: mask) &>> UInt32(8 * (phase & 3)) | shiftedUp(mask, phase: phase)
        let wide = UInt64(turned) << 32 | UInt64(turned)
        var index = 0
        // All offsets stay below `bytes.count`, which the target has room for; unaligned access is what `loadUnaligned`
        // and `storeBytes` are for.
        while index + 8 <= bytes.count {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)) ^ wide
            target.storeBytes(of: word.littleEndian, toByteOffset: index, as: UInt64.self)
            index += 8
        }
        var key = turned
        while index < bytes.count {
            target[index] = bytes[index] ^ UInt8(truncatingIfNeeded: key)
            key = key &>> 8 | key &<< 24
            index += 1
        }
    }

    private static func shiftedUp(_ mask: UInt32, phase: Int) -> UInt32 {
        phase & 3 == 0 ? 0 : mask &<< UInt32(32 - 8 * (phase & 3))
    }
}
