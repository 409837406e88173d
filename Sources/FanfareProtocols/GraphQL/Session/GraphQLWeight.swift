import FanfareCore
import FanfareWire

/// Bytes that publications come to in the messages of a selection, about. It is made once, and asked of each publication before any of
/// them is written.
struct GraphQLWeight {
    /// What stands in each message: keys, and values that are never long.
    private var fixed = GraphQLBounds.messageBytes
    /// How often the message has the payload: as JSON, which text is a string in, always as a string, and as Base64.
    private var (data, texts, encoded) = (0, 0, 0)
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
            case "data": data += 1
            case "text": texts += 1
            case "base64": encoded += 1
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
        var bytes = fixed + size(of: publication.payload)
        if channels > 0 { bytes += channels * Self.size(publication.channel.text) }
        guard let metadata = publication.metadata else { return bytes }
        if infos > 0, let info = metadata.info {
            // A name of a client or user takes six times its bytes at most, and is bounded where it enters.
            bytes += infos * (info.size + Self.size(info.client) + Self.size(info.user))
        }
        for tag in metadata.tags.all where tagBytes > 0 {
            bytes += tagBytes + tagNames * Self.size(tag.name) + tagValues * Self.size(tag.value)
        }
        return bytes
    }

    private func size(of payload: Payload) -> Int {
        payload.bytes.withUnsafeReadableBytes { bytes in
            var size = encoded * (bytes.count / 3 + 1) * 4
            guard data + texts > 0, payload.kind == .text else { return size }
            let string = JSONWriter.stringSize(bytes)
            size += texts * string
            if data > 0 { size += data * (JSONScanner.isValid(bytes) ? bytes.count : string) }
            return size
        }
    }

    private static func size(_ text: ExactText) -> Int { JSONWriter.stringSize(text.string) }

    /// Key, quotes and braces, and a position where the value is one.
    private static func frame(_ field: GraphQLPlanField) -> Int {
        field.key.utf8.count + 8 + StreamPosition.maximumTextBytes
    }
}
