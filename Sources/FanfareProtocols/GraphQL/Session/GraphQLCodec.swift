import FanfareCore
import FanfareWire
import NIOCore

/// What messages of a subscription stand in.
enum GraphQLCarrier: Sendable, Equatable {
    case webSocket
    case events(StreamDelimiting)
}

/// Publications as operations with the same selection hear them: all of a message but its lead.
struct GraphQLCodec: Codec {
    /// The field at the top, with what is selected of a publication.
    let field: GraphQLPlanField
    var carrier = GraphQLCarrier.webSocket

    func body(_ publication: Publication) -> Body {
        body(behind: [], publication, isFramed: carrier == .events(.chunked))
    }

    /// - Parameter isFramed: whether the end of a chunk belongs to it.
    private func body(behind lead: [UInt8], _ publication: Publication, isFramed: Bool) -> Body {
        let hint = lead.count + publication.payload.bytes.readableBytes + 256
        return Body(.text, sizeHint: hint) { buffer in
            buffer.writeBytes(lead)
            write(publication, into: &buffer)
            switch carrier {
            // The ends of the payload and of the message.
            case .webSocket: buffer.writeStaticString("}}")
            case .events: buffer.writeStaticString("}\n\n")
            }
            if isFramed { buffer.writeStaticString("\r\n") }
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
        body(behind: lead, publication, isFramed: false)
    }

    /// The name of the format: the same text is the same selection.
    var name: ExactText {
        let kind =
            switch carrier {
            case .webSocket: "graphql"
            case .events(.bare): "graphql events"
            case .events(.chunked): "graphql chunks"
            }
        return ExactText("\(kind) \(Self.text(field))")
    }

    private static func text(_ field: GraphQLPlanField) -> String {
        let selections = field.selections.isEmpty ? "" : "{" + field.selections.map(text).joined(separator: " ") + "}"
        return field.key == field.name ? field.name.string + selections : "\(field.key):\(field.name)\(selections)"
    }

    /// What stands behind it.
    var definition: FormatDefinition {
        switch carrier {
        case .webSocket: .personal(self, in: WebSocketFraming())
        case .events(.bare): .personal(self, in: UnframedLead())
        case .events(.chunked): .personal(self, in: ChunkedLead())
        }
    }
}
