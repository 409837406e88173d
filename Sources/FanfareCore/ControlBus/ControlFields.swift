import FanfareWire
import NIOCore

/// What a control message says, by ids that belong to its command. A node takes those that it knows.
public struct ControlFields: Sendable, Equatable {
    private struct Field: Sendable, Equatable {
        let id: UInt16
        var value: ByteBuffer
    }

    private var fields: [Field] = []

    public init() {}

    /// - Parameter skipped: counts what is no field, those that come a second time, and those beyond ``ControlBounds/fields``.
    init(_ bytes: UnsafeRawBufferPointer, skipped: inout Int) {
        var fields = ControlFields()
        skipped += TypedFields.read(bytes) { id, value in
            guard fields.fields.count < ControlBounds.fields, fields[id] == nil else { return false }
            fields.fields.append(Field(id: id, value: ByteBuffer(bytes: value)))
            return true
        }
        self = fields
    }

    /// A field's bytes; `nil`: it is not there.
    public subscript(id: UInt16) -> ByteBuffer? {
        get { fields.first { $0.id == id }?.value }
        set {
            fields.removeAll { $0.id == id }
            if let newValue { fields.append(Field(id: id, value: newValue)) }
        }
    }

    /// The same as text; `nil` also for what is not UTF-8.
    public subscript(text id: UInt16) -> ExactText? {
        get { self[id].flatMap { String(validating: $0.readableBytesView, as: UTF8.self) }.map { ExactText($0) } }
        set { self[id] = newValue.map { ByteBuffer(string: $0.string) } }
    }

    /// The same as a number of eight bytes; `nil` also for what is none.
    public subscript(number id: UInt16) -> UInt64? {
        get { self[id].flatMap { $0.readableBytes == 8 ? $0.getInteger(at: $0.readerIndex) : nil } }
        set { self[id] = newValue.map { ByteBuffer(integer: $0) } }
    }

    func write(into buffer: inout ByteBuffer) {
        TypedFields.write(into: &buffer) { writer in
            for field in fields { writer.add(field.id) { $0.writeImmutableBuffer(field.value) } }
        }
    }
}
