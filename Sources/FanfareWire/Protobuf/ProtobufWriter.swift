import NIOCore

/// Writes the wire format of Protocol Buffers. A field with its default value (0, `false`, nothing) is left out, as in proto3; a
/// message is written also when nothing is in it.
extension ByteBuffer {
    /// A number.
    public mutating func writeProtobuf(_ field: some RawRepresentable<UInt32>, _ number: some UnsignedInteger) {
        guard number != 0 else { return }
        writeProtobufTag(field, wireType: 0)
        writeProtobufVarint(UInt64(number))
    }

    /// A flag.
    public mutating func writeProtobuf(_ field: some RawRepresentable<UInt32>, _ flag: Bool) {
        writeProtobuf(field, flag ? 1 : 0 as UInt64)
    }

    /// A text.
    public mutating func writeProtobuf(_ field: some RawRepresentable<UInt32>, _ text: String) {
        guard !text.isEmpty else { return }
        writeProtobufTag(field, wireType: 2)
        writeProtobufVarint(UInt64(text.utf8.count))
        writeString(text)
    }

    /// Bytes.
    public mutating func writeProtobuf(_ field: some RawRepresentable<UInt32>, _ bytes: ByteBuffer) {
        guard bytes.readableBytes > 0 else { return }
        writeProtobufTag(field, wireType: 2)
        writeProtobufVarint(UInt64(bytes.readableBytes))
        writeImmutableBuffer(bytes)
    }

    /// A message.
    ///
    /// - Parameter size: bytes that it will have, about.
    public mutating func writeProtobuf(
        _ field: some RawRepresentable<UInt32>, about size: Int = 0, _ write: (inout ByteBuffer) -> Void
    ) {
        writeProtobufTag(field, wireType: 2)
        writeProtobufMessage(about: size, write)
    }

    /// A message behind its length, without a field.
    ///
    /// - Parameter size: bytes that it will have, about: where its length takes as many bytes as this number, nothing is moved.
    public mutating func writeProtobufMessage(about size: Int = 0, _ write: (inout ByteBuffer) -> Void) {
        let (start, room) = (writerIndex, Self.varintBytes(size))
        writeRepeatingByte(0, count: room)
        write(&self)
        let count = writerIndex - start - room
        let needed = Self.varintBytes(count)
        if needed != room { move(count, from: start + room, to: start + needed) }
        let end = writerIndex
        moveWriterIndex(to: start)
        writeProtobufVarint(UInt64(count))
        moveWriterIndex(to: end)
    }

    /// Moves the last bytes written.
    private mutating func move(_ count: Int, from: Int, to: Int) {
        if to > from { writeRepeatingByte(0, count: to - from) }
        let start = readerIndex
        withUnsafeMutableReadableBytes { bytes in
            let target = UnsafeMutableRawBufferPointer(rebasing: bytes[(to - start)...])
            // Overlapping is allowed.
            target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[from - start..<from - start + count]))
        }
        moveWriterIndex(to: to + count)
    }

    private mutating func writeProtobufTag(_ field: some RawRepresentable<UInt32>, wireType: UInt32) {
        writeProtobufVarint(UInt64(field.rawValue << 3 | wireType))
    }

    private mutating func writeProtobufVarint(_ number: UInt64) {
        var number = number
        while number >= 0x80 {
            writeInteger(UInt8(truncatingIfNeeded: number) | 0x80)
            number >>= 7
        }
        writeInteger(UInt8(number))
    }

    private static func varintBytes(_ number: Int) -> Int {
        max(1, (Int.bitWidth - number.leadingZeroBitCount + 6) / 7)
    }
}
