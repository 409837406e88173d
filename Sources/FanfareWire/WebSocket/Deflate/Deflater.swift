import CZlib
import NIOCore
import Synchronization

/// Compresses frames, every one by itself.
///
/// A stream and its room are made once and used again: each thread that compresses at a moment has one from ``idle``.
final class Deflater: @unchecked Sendable {
    // `@unchecked`: one thread at a time has it, whoever took it from `idle`.

    /// The window of frames that clients share, as a power of two: some ask for no more than 4 KB, and most publications
    /// are no longer.
    static let sharedWindowBits = 12
    /// The last of the quick ones: against zlib's default of 6, 512 bytes of JSON take 81,000 instructions instead of
    /// 96,000 and get 3 % longer, 4 KB take 233,000 instead of 396,000 and get 5 % longer.
    private static let level: CInt = 3
    /// 8 KB of hash table: what has to be cleared before each frame.
    private static let memoryLevel: CInt = 5

    private let stream: UnsafeMutablePointer<z_stream>
    private var room: [UInt8] = []

    /// By the size of their window.
    private static let idle = Mutex<[Int: [Deflater]]>([:])

    /// `nil` without memory, and for 8 bits, which zlib does not do.
    private init?(windowBits: Int) {
        // zlib keeps the address of its stream.
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        guard fanfare_deflate_begin(stream, Self.level, CInt(windowBits), Self.memoryLevel) == Z_OK else {
            stream.deallocate()
            return nil
        }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// A plain frame as a compressed one; `nil` when that is bigger than allowed, or can't be had. Any thread.
    ///
    /// - Parameters:
    ///   - frame: one whole unmasked data frame.
    ///   - windowBits: size of the receiver's window, as a power of two.
    ///   - growth: how many bytes longer than the plain payload the compressed one may be.
    static func compress(frame: ByteBuffer, windowBits: Int, growth: Int) -> ByteBuffer? {
        let taken = idle.withLock { $0[windowBits]?.popLast() }
        guard let deflater = taken ?? Deflater(windowBits: windowBits) else { return nil }
        defer { idle.withLock { $0[windowBits, default: []].append(deflater) } }
        return deflater.compress(frame, growth: growth)
    }

    private func compress(_ frame: ByteBuffer, growth: Int) -> ByteBuffer? {
        frame.withUnsafeReadableBytes { bytes in
            guard let header = WebSocketFrame.plainHeader(bytes) else { return nil }
            let payload = UnsafeRawBufferPointer(rebasing: bytes[header.length...])
            defer { if room.count > Self.keptBytes { room = [] } }
            guard let count = deflate(payload, growth: growth) else { return nil }
            var compressed = ByteBuffer()
            compressed.reserveCapacity(WebSocketFrame.headerLength(payloadLength: count) + count)
            WebSocketFrame.writeHeader(header.opcode, payloadLength: count, isCompressed: true, into: &compressed)
            compressed.writeBytes(room[..<count])
            return compressed
        }
    }

    /// Leaves what RFC 7692 §7.2.1 calls for in `room`: the stream up to a flush, without the flush's last four bytes.
    private func deflate(_ payload: UnsafeRawBufferPointer, growth: Int) -> Int? {
        // One byte more than may be used: zlib has come to the end when it leaves something free.
        let capacity = max(0, payload.count + growth) + Self.tail + 1
        if room.count < capacity { room = [UInt8](repeating: 0, count: max(1_024, capacity)) }
        deflateReset(stream)
        let written = room.withUnsafeMutableBufferPointer { room -> Int? in
            // zlib only reads from `next_in`; both pointers are gone before the buffers are.
            stream.pointee.next_in = UnsafeMutablePointer(
                mutating: payload.baseAddress?.assumingMemoryBound(to: UInt8.self))
            stream.pointee.avail_in = UInt32(payload.count)
            stream.pointee.next_out = room.baseAddress
            stream.pointee.avail_out = UInt32(capacity)
            defer { (stream.pointee.next_in, stream.pointee.next_out) = (nil, nil) }
            guard CZlib.deflate(stream, Z_SYNC_FLUSH) == Z_OK, stream.pointee.avail_in == 0,
                stream.pointee.avail_out > 0
            else { return nil }
            return capacity - Int(stream.pointee.avail_out)
        }
        guard let written, written > Self.tail else { return nil }
        return written - Self.tail
    }

    /// `00 00 FF FF`.
    private static let tail = 4
}
