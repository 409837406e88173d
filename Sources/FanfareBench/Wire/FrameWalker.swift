import NIOCore

/// Walks over a server's WebSocket frames where they lie, without making an object of any. One per connection.
///
/// What is left of a read when it ends inside a frame is kept, at most one frame of the longest length allowed.
package struct FrameWalker {
    /// What a server sends that this load generator does not take.
    package enum Mistake: Error, Equatable, CustomStringConvertible {
        /// More bytes than any frame of this run can have.
        case tooLong(UInt64, limit: Int)
        /// Servers must not mask (RFC 6455 §5.1).
        case masked
        /// A reserved bit, though no extension was asked for.
        case reservedBits
        /// An opcode that RFC 6455 does not know.
        case opcode(UInt8)
        /// A message in several frames: Fanfare never does that, and a stamp could be cut in two.
        case fragmented

        package var description: String {
            switch self {
            case .tooLong(let length, let limit): "a frame of \(length) bytes; at most \(limit) were expected"
            case .masked: "a masked frame"
            case .reservedBits: "a frame with reserved bits"
            case .opcode(let code): "a frame with opcode \(code)"
            case .fragmented: "a fragmented message"
            }
        }
    }

    /// What is not text or binary.
    package enum Kind: UInt8 {
        /// UTF-8.
        case text = 1
        /// Bytes.
        case binary = 2
        /// The end, with a code and a reason.
        case close = 8
        /// To be answered by a pong with the same payload.
        case ping = 9
        /// Answers a ping.
        case pong = 10
    }

    private let maxFrameBytes: Int
    private var rest = ByteBuffer()

    /// - Parameter maxFrameBytes: longest payload of one frame.
    package init(maxFrameBytes: Int) { self.maxFrameBytes = maxFrameBytes }

    /// Takes the bytes of a read and calls `visit` for every frame that is complete; the bytes that it is given are only
    /// valid within the call.
    package mutating func walk(
        _ bytes: ByteBuffer, _ visit: (Kind, UnsafeRawBufferPointer) -> Void
    ) throws(Mistake) {
        guard rest.readableBytes > 0 else {
            let used = try consume(bytes, visit)
            if used < bytes.readableBytes {
                rest.writeBytes(bytes.readableBytesView.dropFirst(used))
            }
            return
        }
        rest.writeBytes(bytes.readableBytesView)
        rest.moveReaderIndex(forwardBy: try consume(rest, visit))
        // Storage that once held a long frame is not kept by ten thousand connections.
        if rest.readableBytes == 0 { rest = ByteBuffer() } else { rest.discardReadBytes() }
    }

    private func consume(
        _ buffer: ByteBuffer, _ visit: (Kind, UnsafeRawBufferPointer) -> Void
    ) throws(Mistake) -> Int {
        var mistake: Mistake?
        let used = buffer.withUnsafeReadableBytes { bytes -> Int in
            var offset = 0
            do throws(Mistake) {
                while let frame = try header(bytes, at: offset) {
                    visit(frame.kind, UnsafeRawBufferPointer(rebasing: bytes[frame.payload]))
                    offset = frame.payload.upperBound
                }
            } catch {
                mistake = error
            }
            return offset
        }
        if let mistake { throw mistake }
        return used
    }

    /// The frame at `offset`; `nil` when it is not complete.
    @inline(__always)
    private func header(
        _ bytes: UnsafeRawBufferPointer, at offset: Int
    ) throws(Mistake) -> (kind: Kind, payload: Range<Int>)? {
        guard bytes.count - offset >= 2 else { return nil }
        let (first, second) = (bytes[offset], bytes[offset + 1])
        guard first & 0x70 == 0 else { throw .reservedBits }
        guard first & 0x80 != 0, first & 0x0F != 0 else { throw .fragmented }
        guard let kind = Kind(rawValue: first & 0x0F) else { throw .opcode(first & 0x0F) }
        guard second & 0x80 == 0 else { throw .masked }
        var start = offset + 2
        var length = UInt64(second)
        if second == 126 {
            guard bytes.count - start >= 2 else { return nil }
            length = UInt64(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt16.self)))
            start += 2
        } else if second == 127 {
            guard bytes.count - start >= 8 else { return nil }
            length = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self))
            start += 8
        }
        guard length <= UInt64(maxFrameBytes) else { throw .tooLong(length, limit: maxFrameBytes) }
        guard bytes.count - start >= Int(length) else { return nil }
        return (kind, start..<start + Int(length))
    }
}
