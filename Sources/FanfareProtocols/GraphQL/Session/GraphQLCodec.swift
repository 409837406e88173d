import FanfareCore
import FanfareWire
import NIOCore

/// Publications as operations with the same selection hear them, in either subprotocol: all of a message but its lead.
struct GraphQLCodec: Codec {
    /// The field at the top, with what is selected of a publication.
    let field: GraphQLPlanField

    func body(_ publication: Publication) -> Body {
        let hint = publication.payload.bytes.readableBytes + 256
        return Body(.text, sizeHint: hint) { buffer in
            write(publication, into: &buffer)
            // The ends of the payload and of the message.
            buffer.writeStaticString("}}")
        }
    }

    /// The data of a result.
    private func write(_ publication: Publication, into buffer: inout ByteBuffer) {
        buffer.writeStaticString("{")
        GraphQLWriter.writeKey(field.key, into: &buffer)
        var writer = GraphQLWriter()
        // A publication has fewer fields than an answer may have, and as many bytes as it has: it can't fail.
        do throws(GraphQLError) {
            try writer.write(.publication(publication), field.selections, into: &buffer)
        } catch {
            buffer.writeStaticString("null")
        }
        buffer.writeStaticString("}")
    }

    /// The whole message of a subscription, for what nobody shares.
    func message(_ lead: [UInt8], _ publication: Publication) -> Body {
        let rest = body(publication)
        return Body(.text, sizeHint: lead.count + rest.count) { buffer in
            buffer.writeBytes(lead)
            buffer.writeImmutableBuffer(rest.bytes)
        }
    }

    /// The name of the format: the same text is the same selection.
    var name: ExactText { ExactText("graphql " + Self.text(field)) }

    private static func text(_ field: GraphQLPlanField) -> String {
        let selections = field.selections.isEmpty ? "" : "{" + field.selections.map(text).joined(separator: " ") + "}"
        return field.key == field.name ? field.name.string + selections : "\(field.key):\(field.name)\(selections)"
    }

    /// What stands behind it.
    var definition: FormatDefinition { .personal(self, in: WebSocketFraming()) }
}
