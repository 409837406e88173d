import FanfareCore
import FanfareWire

/// Bytes that publications come to in the messages of a selection, about. It is made once, and asked of each publication before any of
/// them is written.
struct GraphQLWeight {
    /// What stands in each message: keys, and values that are never long.
    private var fixed = GraphQLBounds.messageBytes
    /// How often the message has the payload; text has its quotes escaped, Base64 a third more.
    private var payloads = 0
    private var channels = 0
    /// What stands around each tag.
    private var tagBytes = 0
    private var tagNames = 0
    private var tagValues = 0
    /// How often what is known of the publisher stands there, at most all of it each time.
    private var infos = 0

    /// - Parameter field: the one at the top.
    init(_ field: GraphQLPlanField) {
        fixed += Self.frame(field)
        for field in field.selections {
            fixed += Self.frame(field)
            switch field.name {
            case "channel": channels += 1
            case "data": payloads += 1
            case "text", "base64": payloads += 2
            case "tags":
                for field in field.selections {
                    tagBytes += Self.frame(field)
                    if field.name == "name" { tagNames += 1 } else { tagValues += 1 }
                }
            case "info":
                fixed += field.selections.reduce(0) { $0 + Self.frame($1) }
                infos += field.selections.count
            default: break
            }
        }
    }

    func bytes(of publication: Publication) -> Int {
        var bytes = fixed + payloads * publication.payload.bytes.readableBytes
        bytes += channels * publication.channel.string.utf8.count
        guard let metadata = publication.metadata else { return bytes }
        bytes += infos * (metadata.info?.size ?? 0)
        for tag in metadata.tags.all where tagBytes > 0 {
            bytes += tagBytes + tagNames * tag.name.utf8.count + tagValues * tag.value.utf8.count
        }
        return bytes
    }

    /// Key, quotes and braces, and a position where the value is one.
    private static func frame(_ field: GraphQLPlanField) -> Int {
        field.key.utf8.count + 8 + StreamPosition.maximumTextBytes
    }
}
