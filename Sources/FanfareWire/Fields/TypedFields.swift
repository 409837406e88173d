import NIOCore

/// Typed fields, each of which may be there or not: how a message between nodes grows without another version.
///
/// | bytes | meaning |
/// |---|---|
/// | 4 | bytes of all fields together |
/// | 2 | a field's id |
/// | 4 | bytes of its value |
/// | | its value, and so on with the next field |
///
/// Numbers are big endian. A reader takes the fields that it knows and passes over the rest, so a field may never change what
/// the others mean: what an older node must not pass over is another kind of message.
public enum TypedFields {
    private static let lengthBytes = 4
    private static let fieldHeaderBytes = 6

    /// Takes fields from the front of `bytes`; `nil` when they would be longer than what is there, or than
    /// ``maximumBytes``: then nobody knows where the rest begins.
    public static func split(
        _ bytes: UnsafeRawBufferPointer
    ) -> (fields: UnsafeRawBufferPointer, rest: UnsafeRawBufferPointer)? {
        guard bytes.count >= lengthBytes else { return nil }
        let count = Int(UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self)))
        guard count <= maximumBytes, count <= bytes.count - lengthBytes else { return nil }
        let end = lengthBytes + count
        return (
            UnsafeRawBufferPointer(rebasing: bytes[lengthBytes..<end]), UnsafeRawBufferPointer(rebasing: bytes[end...])
        )
    }

    /// Hands over the fields of ``split(_:)`` in their order. What follows a field that is longer than what is there is
    /// passed over as one field.
    ///
    /// - Parameter take: whether it knows the field and could read its value.
    /// - Returns: how many fields were passed over.
    public static func read(
        _ fields: UnsafeRawBufferPointer, _ take: (_ id: UInt16, _ value: UnsafeRawBufferPointer) -> Bool
    ) -> Int {
        var (place, skipped) = (0, 0)
        while place < fields.count {
            let left = fields.count - place - fieldHeaderBytes
            guard left >= 0 else { return skipped + 1 }
            let id = UInt16(bigEndian: fields.loadUnaligned(fromByteOffset: place, as: UInt16.self))
            let count = Int(UInt32(bigEndian: fields.loadUnaligned(fromByteOffset: place + 2, as: UInt32.self)))
            guard count <= left else { return skipped + 1 }
            place += fieldHeaderBytes
            if !take(id, UnsafeRawBufferPointer(rebasing: fields[place..<place + count])) { skipped += 1 }
            place += count
        }
        return skipped
    }

    /// Writes fields: all that `body` adds to them.
    public static func write(into buffer: inout ByteBuffer, _ body: (inout Writer) -> Void) {
        let start = buffer.writerIndex
        buffer.writeInteger(UInt32(0))
        var writer = Writer(buffer: buffer)
        body(&writer)
        buffer = writer.buffer
        buffer.setInteger(UInt32(buffer.writerIndex - start - lengthBytes), at: start)
    }

    /// Takes fields one after the other.
    public struct Writer {
        fileprivate var buffer: ByteBuffer

        /// Adds a field whose value is what `value` writes.
        public mutating func add(_ id: UInt16, _ value: (inout ByteBuffer) -> Void) {
            buffer.writeInteger(id)
            let place = buffer.writerIndex
            buffer.writeInteger(UInt32(0))
            value(&buffer)
            buffer.setInteger(UInt32(buffer.writerIndex - place - 4), at: place)
        }
    }
}
