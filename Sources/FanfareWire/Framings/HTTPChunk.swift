import NIOCore

/// The chunked transfer coding (RFC 9112 §7.1) as a server writes it: without extensions and trailers.
enum HTTPChunk {
    /// The chunk that ends the answer.
    static let last = ByteBuffer(string: "0\r\n\r\n")

    /// Most bytes before the data: sixteen digits and a line break.
    private static let room = 18

    /// One chunk of what `write` writes, in memory of its own; no bytes at all where that is nothing, for an empty chunk would
    /// end the answer.
    ///
    /// - Parameter sizeHint: bytes that it will be, about.
    static func make(sizeHint: Int, _ write: (inout ByteBuffer) -> Void) -> ByteBuffer {
        var chunk = ByteBufferAllocator().buffer(capacity: room + sizeHint + 2)
        chunk.moveWriterIndex(to: room)
        chunk.moveReaderIndex(to: room)
        write(&chunk)
        guard chunk.readableBytes > 0 else { return ByteBuffer() }
        // The size is known only now, and stands right before the data.
        let header = String(chunk.readableBytes, radix: 16) + "\r\n"
        let start = room - header.utf8.count
        chunk.setString(header, at: start)
        chunk.moveReaderIndex(to: start)
        chunk.writeStaticString("\r\n")
        return chunk
    }

    /// Where the chunk ends of which the byte before `offset` is a part: the first end of a chunk at `offset` or behind it.
    ///
    /// - Parameter chunks: whole chunks as they are made here, one behind the other.
    static func boundary(in chunks: ByteBuffer, from offset: Int) -> Int {
        chunks.withUnsafeReadableBytes { bytes in
            var end = 0
            while end < offset {
                guard let length = wholeLength(bytes[end...]) else { return bytes.count }
                end = min(bytes.count, end + length)
            }
            return end
        }
    }

    /// Bytes of the chunk that begins here, all that is around its data too.
    private static func wholeLength(_ bytes: Slice<UnsafeRawBufferPointer>) -> Int? {
        let digits = bytes.prefix(room).prefix { $0 != 0x0D }
        guard let size = Int(String(decoding: digits, as: UTF8.self), radix: 16), (0..<1 << 40).contains(size) else {
            return nil
        }
        return digits.count + 2 + size + 2
    }
}
