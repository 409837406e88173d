import FanfareWire
import NIOCore

/// Small JSON answers of the admin port.
indirect enum JSONText {
    case string(String)
    case number(Int)
    case bool(Bool)
    case array([JSONText])
    /// JSON already.
    case raw(ByteBuffer)
    case object([(String, JSONText)])

    /// An object as text.
    static func object(_ members: [(String, JSONText)]) -> ByteBuffer {
        var buffer = ByteBuffer()
        JSONText.object(members).write(to: &buffer)
        return buffer
    }

    private func write(to buffer: inout ByteBuffer) {
        switch self {
        case .string(let text): JSONWriter.writeString(text, into: &buffer)
        case .number(let number): buffer.writeString("\(number)")
        case .raw(let bytes): buffer.writeImmutableBuffer(bytes)
        case .bool(let flag): buffer.writeString("\(flag)")
        case .array(let elements):
            buffer.writeStaticString("[")
            for (index, element) in elements.enumerated() {
                if index > 0 { buffer.writeStaticString(",") }
                element.write(to: &buffer)
            }
            buffer.writeStaticString("]")
        case .object(let members):
            buffer.writeStaticString("{")
            for (index, member) in members.enumerated() {
                if index > 0 { buffer.writeStaticString(",") }
                JSONWriter.writeString(member.0, into: &buffer)
                buffer.writeStaticString(":")
                member.1.write(to: &buffer)
            }
            buffer.writeStaticString("}")
        }
    }
}
