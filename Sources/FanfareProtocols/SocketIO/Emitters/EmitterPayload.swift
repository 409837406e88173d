import FanfareWire
import NIOCore

/// An emitted event as the publication that it becomes.
enum EmitterPayload {
    /// `{"event":"news","args":[…]}`, and behind it `"binary":["…"]`, the attachments as Base64, where there are any.
    ///
    /// - Parameter arguments: JSON, an array.
    static func make(event: ExactText, arguments: ByteBuffer, attachments: [ByteBuffer]) throws(EmitterError)
        -> ByteBuffer
    {
        try check(event, arguments, attachments: attachments.count)
        return write(event, arguments, attachments.map { Base64.encode($0.readableBytesView) })
    }

    /// - Parameter attachments: as Base64.
    static func make(event: ExactText, arguments: ByteBuffer, base64: [ExactText]) throws(EmitterError) -> ByteBuffer {
        try check(event, arguments, attachments: base64.count)
        guard base64.allSatisfy({ Base64.decode($0.utf8) != nil }) else {
            throw EmitterError("an attachment that is no Base64")
        }
        return write(event, arguments, base64.map { Array($0.utf8) })
    }

    private static func check(_ event: ExactText, _ arguments: ByteBuffer, attachments: Int) throws(EmitterError) {
        guard !SocketIOEvent.reserved.contains(event) else {
            throw EmitterError("the event name '\(event)' is reserved")
        }
        guard attachments <= EmitterBounds.attachments else {
            throw EmitterError("more than \(EmitterBounds.attachments) attachments")
        }
        do {
            try SocketIOPlaceholder.check(arguments, attachments: attachments)
        } catch {
            throw EmitterError("\(error)")
        }
    }

    private static func write(_ event: ExactText, _ arguments: ByteBuffer, _ attachments: [[UInt8]]) -> ByteBuffer {
        var buffer = ByteBuffer()
        let size = attachments.reduce(arguments.readableBytes) { $0 + $1.count + 3 }
        buffer.reserveCapacity(size + event.utf8.count + 40)
        buffer.writeStaticString("{\"event\":")
        JSONWriter.writeString(event.string, into: &buffer)
        buffer.writeStaticString(",\"args\":")
        buffer.writeImmutableBuffer(arguments)
        for (index, attachment) in attachments.enumerated() {
            buffer.writeString(index == 0 ? ",\"binary\":[\"" : ",\"")
            buffer.writeBytes(attachment)
            buffer.writeStaticString("\"")
        }
        if !attachments.isEmpty { buffer.writeStaticString("]") }
        buffer.writeStaticString("}")
        return buffer
    }
}
