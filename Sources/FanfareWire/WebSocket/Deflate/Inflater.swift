import CZlib
import NIOCore
import Synchronization

/// Takes clients' compressed messages apart, each as a whole, with a bound on what comes out (RFC 7692 §7.2.2).
final class Inflater: @unchecked Sendable {
    // `@unchecked`: one thread at a time has it: its connection's event loop, or whoever took it from `idle`.

    /// What a message came to.
    enum Outcome {
        /// The message, behind the room that was asked for.
        case message(ByteBuffer)
        /// More than the limit: nothing of it was kept.
        case tooBig
        /// Not a whole DEFLATE stream.
        case corrupt
    }

    private let stream: UnsafeMutablePointer<z_stream>

    private static let idle = Mutex<[Inflater]>([])

    /// `nil` when there is no memory. Some 7 KB, and the window with the first message that needs one.
    init?(windowBits: Int) {
        // zlib keeps the address of its stream.
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // A sender's zlib makes a window of 9 bits where 8 were agreed on.
        guard fanfare_inflate_begin(stream, CInt(max(9, windowBits))) == Z_OK else {
            stream.deallocate()
            return nil
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// A message that stands for itself, with a stream that is used again. Any thread.
    static func inflateAlone(_ bytes: inout ByteBuffer, limit: Int, headerRoom: Int) -> Outcome {
        guard let inflater = idle.withLock({ $0.popLast() }) ?? Inflater(windowBits: 15) else { return .tooBig }
        defer { idle.withLock { $0.append(inflater) } }
        inflateReset(inflater.stream)
        return inflater.inflate(&bytes, limit: limit, headerRoom: headerRoom)
    }

    /// The next message of a stream whose messages may refer to earlier ones. After anything but a message it is useless.
    ///
    /// - Parameters:
    ///   - bytes: the payloads of its frames; some may be appended.
    ///   - limit: most bytes that may come out.
    ///   - headerRoom: bytes to leave free before the message.
    func inflate(_ bytes: inout ByteBuffer, limit: Int, headerRoom: Int) -> Outcome {
        // Strictly an empty message is one byte; what some send for it, none, can't be meant otherwise.
        guard bytes.readableBytes > 0 else { return .message(ByteBuffer()) }
        bytes.writeInteger(UInt32(0x0000_FFFF))
        var output = ByteBuffer()
        output.reserveCapacity(headerRoom + min(limit, max(256, 4 * bytes.readableBytes)))
        output.moveWriterIndex(to: headerRoom)
        output.moveReaderIndex(to: headerRoom)
        return bytes.withUnsafeReadableBytes { input in
            // zlib only reads from `next_in`; the pointer is gone before the buffer is.
            stream.pointee.next_in = UnsafeMutablePointer(
                mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
            stream.pointee.avail_in = UInt32(input.count)
            defer { (stream.pointee.next_in, stream.pointee.next_out) = (nil, nil) }
            return run(into: &output, limit: limit)
        }
    }

    private func run(into output: inout ByteBuffer, limit: Int) -> Outcome {
        while true {
            // One byte more than allowed tells a message at the limit from one above it.
            let room = limit + 1 - output.readableBytes
            var (status, isFull) = (Z_OK, false)
            output.writeWithUnsafeMutableBytes(minimumWritableBytes: min(room, 256)) { target in
                let target = UnsafeMutableRawBufferPointer(rebasing: target.prefix(room))
                stream.pointee.next_out = target.baseAddress?.assumingMemoryBound(to: UInt8.self)
                stream.pointee.avail_out = UInt32(target.count)
                status = CZlib.inflate(stream, Z_SYNC_FLUSH)
                isFull = stream.pointee.avail_out == 0
                return target.count - Int(stream.pointee.avail_out)
            }
            guard output.readableBytes <= limit else { return .tooBig }
            switch status {
            case Z_STREAM_END:
                // A block may say that it is the last one (§7.2.3.4); after it the stream goes on as if it had not. This
                // keeps the window, as `inflateReset` does not.
                guard inflateResetKeep(stream) == Z_OK else { return .corrupt }
            case Z_OK, Z_BUF_ERROR: break
            default: return .corrupt
            }
            guard stream.pointee.avail_in == 0 else { continue }
            // Between blocks: what was appended to the message ended its last one, and nothing waits to come out. Only the
            // call that came there says so, also when it filled the room to the last byte; another one would not.
            if stream.pointee.data_type & 128 != 0 { return .message(output) }
            guard isFull else { return .corrupt }
        }
    }
}
