import FanfareCore
import FanfareWire
import NIOCore

/// Something with fields.
enum GraphQLObject {
    case publication(Publication)
    case tag(PublicationTags.Tag)
    case client(ClientInfo)
    case history(HistoryPage)
    case presence(PresencePage)
    case published(PublishReceipt)
    case node(name: String, version: String)
    case introspection(GraphQLIntrospection)
}

/// A value of a field (spec section 6.4.2).
indirect enum GraphQLData {
    case null
    case bool(Bool)
    case number(UInt64)
    case string(String)
    /// Text as a string.
    case text(ByteBuffer)
    /// Text as a value: what is JSON as it is, all else as a string.
    case json(ByteBuffer)
    case base64(ByteBuffer)
    case list([GraphQLData])
    case object(GraphQLObject)

    /// How many fields of an answer it counts for: what the schema says of itself is put together anew each time.
    var weight: Int {
        if case .object(.introspection) = self { GraphQLBounds.introspection } else { 1 }
    }

    fileprivate static func optional(_ text: String?) -> GraphQLData { text.map { .string($0) } ?? .null }
}

extension GraphQLObject {
    /// The value of a field.
    func value(of field: GraphQLPlanField, _ schema: GraphQLSchema) -> GraphQLData {
        if field.name == "__typename" { return .string(field.parent.string) }
        switch self {
        case .publication(let publication): return Self.value(publication, field.name)
        case .tag(let tag): return .string(field.name == "name" ? tag.name.string : tag.value.string)
        case .client(let client): return Self.value(client, field.name)
        case .history(let page):
            if field.name == "publications" { return .list(page.publications.map { .object(.publication($0)) }) }
            return Self.value(page.position, field.name)
        case .presence(let page):
            if field.name == "count" { return .number(UInt64(page.total)) }
            return .list(page.members.map { .object(.client($0)) })
        case .published(let receipt): return Self.value(receipt.position, field.name)
        case .node(let name, let version): return .string(field.name == "name" ? name : version)
        case .introspection(let introspection): return introspection.value(of: field, schema)
        }
    }

    private static func value(_ publication: Publication, _ name: ExactText) -> GraphQLData {
        let payload = publication.payload
        switch name {
        case "channel": return .string(publication.channel.string)
        case "data": return payload.kind == .text ? .json(payload.bytes) : .null
        case "text": return payload.kind == .text ? .text(payload.bytes) : .null
        case "base64": return .base64(payload.bytes)
        case "tags": return .list((publication.metadata?.tags ?? .none).all.map { .object(.tag($0)) })
        case "info": return publication.metadata?.info.map { .object(.client($0)) } ?? .null
        default: return value(publication.position, name)
        }
    }

    private static func value(_ position: StreamPosition?, _ name: ExactText) -> GraphQLData {
        guard let position else { return .null }
        switch name {
        case "offset": return .number(position.offset)
        case "epoch": return .string("\(position.epoch)")
        case "position": return .string("\(position)")
        default: return .null
        }
    }

    private static func value(_ client: ClientInfo, _ name: ExactText) -> GraphQLData {
        switch name {
        case "client": .string(client.client.string)
        case "user": .string(client.user.string)
        case "connInfo": client.connInfo.map { .json($0) } ?? .null
        case "chanInfo": client.chanInfo.map { .json($0) } ?? .null
        default: .null
        }
    }
}
