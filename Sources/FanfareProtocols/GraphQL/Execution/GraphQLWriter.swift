import FanfareWire
import NIOCore

/// Values as an answer has them (spec sections 6.3 and 7.2.2), bounded in fields and bytes.
struct GraphQLWriter {
    let schema: GraphQLSchema
    /// Bytes that the answer may have.
    let maxBytes: Int
    private var fields = GraphQLBounds.answerFields

    init(_ schema: GraphQLSchema = .standard, maxBytes: Int = .max) {
        self.schema = schema
        self.maxBytes = maxBytes
    }

    /// Writes the fields of an object that are asked for.
    mutating func write(
        _ object: GraphQLObject, _ selections: [GraphQLPlanField], into buffer: inout ByteBuffer
    ) throws(GraphQLError) {
        buffer.writeStaticString("{")
        for (index, field) in selections.enumerated() {
            if index > 0 { buffer.writeStaticString(",") }
            Self.writeKey(field.key, into: &buffer)
            try write(object.value(of: field, schema), field.selections, into: &buffer)
        }
        buffer.writeStaticString("}")
    }

    /// Names need no escapes.
    static func writeKey(_ key: ExactText, into buffer: inout ByteBuffer) {
        buffer.writeStaticString("\"")
        buffer.writeString(key.string)
        buffer.writeStaticString("\":")
    }

    mutating func write(
        _ data: GraphQLData, _ selections: [GraphQLPlanField], into buffer: inout ByteBuffer
    ) throws(GraphQLError) {
        fields -= data.weight
        guard fields >= 0, buffer.readableBytes <= maxBytes else {
            throw GraphQLError("the answer would be too big: ask for less", .tooComplex)
        }
        switch data {
        case .null: buffer.writeStaticString("null")
        case .bool(let isSet): buffer.writeString(isSet ? "true" : "false")
        case .number(let number): buffer.writeString("\(number)")
        case .string(let text): JSONWriter.writeString(text, into: &buffer)
        case .text(let text): text.withUnsafeReadableBytes { JSONWriter.writeString($0, into: &buffer) }
        case .json(let text): text.withUnsafeReadableBytes { JSONWriter.writeValue($0, into: &buffer) }
        case .base64(let bytes):
            buffer.writeStaticString("\"")
            buffer.writeBytes(Base64.encode(bytes.readableBytesView))
            buffer.writeStaticString("\"")
        case .list(let values):
            buffer.writeStaticString("[")
            for (index, value) in values.enumerated() {
                if index > 0 { buffer.writeStaticString(",") }
                try write(value, selections, into: &buffer)
            }
            buffer.writeStaticString("]")
        case .object(let object): try write(object, selections, into: &buffer)
        }
    }
}
