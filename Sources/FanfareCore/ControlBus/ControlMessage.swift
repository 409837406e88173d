import FanfareWire
import NIOCore

/// What nodes say to each other: a header of 21 bytes, ``TypedFields`` and a body. Numbers are big endian.
///
/// | bytes | meaning |
/// |---|---|
/// | 4 | magic `00 46 43 01`; the last byte is the version |
/// | 1 | kind: 1 request, 2 answer, 3 notice |
/// | 2 | command |
/// | 2 | status of an answer; 0 in all others |
/// | 4 | the sender's ``NodeID`` |
/// | 8 | the request's number, given by its sender; an answer has the number of its request |
/// | | fields |
/// | | body, to the end |
///
/// A node passes over fields that it does not know. A command that it does not know it answers with
/// ``ControlStatus/unknownCommand``; a kind, a version or a node id that it can't read makes it drop the message and count it.
struct ControlMessage: Sendable, Equatable {
    enum Kind: UInt8, Sendable {
        /// Wants one answer.
        case request = 1
        case answer = 2
        /// Wants none.
        case notice = 3
    }

    var kind: Kind
    var command: ControlCommand
    var status = ControlStatus.ok
    var sender: NodeID
    var number: UInt64
    var fields = ControlFields()
    var body = ByteBuffer()

    private static let magic: UInt32 = 0x0046_4301
    private static let headerBytes = 21

    /// As it is published; `nil` when it is larger than the bounds, of the whole and of its fields.
    func encoded() -> ByteBuffer? {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(Self.headerBytes + 64 + body.readableBytes)
        buffer.writeInteger(Self.magic)
        buffer.writeInteger(kind.rawValue)
        buffer.writeInteger(command.rawValue)
        buffer.writeInteger(status.rawValue)
        buffer.writeInteger(sender.rawValue)
        buffer.writeInteger(number)
        fields.write(into: &buffer)
        guard buffer.readableBytes <= Self.headerBytes + 4 + TypedFields.maximumBytes,
            buffer.readableBytes + body.readableBytes <= ControlBounds.messageBytes
        else { return nil }
        buffer.writeImmutableBuffer(body)
        return buffer
    }

    /// Reads what came; `nil` when no node of this version wrote it.
    init?(_ bytes: ByteBuffer) {
        var bytes = bytes
        guard bytes.readableBytes <= ControlBounds.messageBytes, bytes.readInteger(as: UInt32.self) == Self.magic,
            let kind = bytes.readInteger(as: UInt8.self).flatMap(Kind.init),
            let command = bytes.readInteger(as: UInt16.self),
            let status = bytes.readInteger(as: UInt16.self),
            let sender = bytes.readInteger(as: UInt32.self).flatMap(NodeID.init),
            let number = bytes.readInteger(as: UInt64.self)
        else { return nil }
        let parts = bytes.withUnsafeReadableBytes { raw -> (fields: ControlFields, body: ByteBuffer)? in
            guard let (fields, body) = TypedFields.split(raw) else { return nil }
            var skipped = 0
            return (ControlFields(fields, skipped: &skipped), ByteBuffer(bytes: body))
        }
        guard let parts else { return nil }
        self.init(
            kind: kind, command: ControlCommand(rawValue: command), status: ControlStatus(rawValue: status),
            sender: sender, number: number, fields: parts.fields, body: parts.body)
    }

    init(
        kind: Kind, command: ControlCommand, status: ControlStatus = .ok, sender: NodeID, number: UInt64,
        fields: ControlFields = ControlFields(), body: ByteBuffer = ByteBuffer()
    ) {
        self.kind = kind
        self.command = command
        self.status = status
        self.sender = sender
        self.number = number
        self.fields = fields
        self.body = body
    }
}
