import FanfareCore
import FanfareWire
import NIOCore

/// What a request of the server API publishes, to one channel or to several.
struct APIPublication: Sendable {
    let payload: Payload
    /// With its tags; `nil`: it has none.
    let metadata: PublicationMetadata?
    let idempotencyKey: String?
    /// Whether it is not to be kept.
    let skipsHistory: Bool
    /// Whether subscribers are to have it as a delta. Centrifugo's libraries send `false` for what nobody set, so it says
    /// nothing: in a channel whose rules have deltas, everything is.
    let isDelta: Bool

    /// - Parameter maxBytes: most bytes of the payload.
    init(_ request: JSONMembers, maxBytes: Int) throws(APIFailure) {
        payload = try Self.payload(request, maxBytes)
        metadata = PublicationMetadata(tags: try Self.tags(request))
        idempotencyKey = try Self.idempotencyKey(request)
        skipsHistory = try Self.flag("skip_history", request)
        isDelta = try Self.flag("delta", request)
    }

    /// Holds it against the rules of a channel. A publication that is not kept has no place in a stream, and those that follow
    /// the stream could not tell it from one that is missing: in a channel with history all are kept.
    func check(_ channel: ChannelName, _ rules: ChannelRules?) throws(APIFailure) {
        if skipsHistory, rules?.history != nil {
            throw .notAvailable("'skip_history' is not available in '\(channel)', which keeps every publication")
        }
        if isDelta, rules?.delta == .off {
            throw .notAvailable("'delta' is not available in '\(channel)', whose namespace has no deltas")
        }
    }

    private static func payload(_ request: JSONMembers, _ maxBytes: Int) throws(APIFailure) -> Payload {
        let payload: Payload
        if let encoded = request["b64data"], !encoded.isNull {
            guard let text = encoded.string, let bytes = Base64.decode(text.utf8) else {
                throw .badRequest("'b64data' must be a string of Base64")
            }
            payload = Payload(kind: .binary, bytes: ByteBuffer(bytes: bytes))
        } else if let data = request["data"] {
            payload = Payload(kind: .text, bytes: data.bytes)
        } else {
            throw .badRequest("'data' (any JSON) or 'b64data' (Base64) must be there")
        }
        guard !payload.isNestedTooDeep else { throw .badRequest(JSONDepth.problem) }
        guard payload.bytes.readableBytes <= maxBytes else { throw .tooLarge("data", limit: maxBytes) }
        return payload
    }

    private static func tags(_ request: JSONMembers) throws(APIFailure) -> PublicationTags {
        guard let value = request["tags"], !value.isNull else { return .none }
        guard let members = JSONMembers(value.bytes, limit: 2 * PublicationTags.maximumCount) else {
            throw .badRequest("'tags' must be an object of at most \(PublicationTags.maximumCount) strings")
        }
        var tags: [PublicationTags.Tag] = []
        for (name, value) in members.members {
            guard let text = value.text else { throw .badRequest("'tags' must be an object of strings") }
            tags.append(PublicationTags.Tag(name: name, value: text))
        }
        do throws(PublicationTagsError) {
            return try PublicationTags(tags)
        } catch {
            throw .badRequest("'tags': \(error)")
        }
    }

    private static func idempotencyKey(_ request: JSONMembers) throws(APIFailure) -> String? {
        guard let value = request["idempotency_key"], !value.isNull else { return nil }
        guard let key = value.string, (1...IdempotencyKey.maximumBytes).contains(key.utf8.count) else {
            throw .badRequest("'idempotency_key' must be a string of 1 to \(IdempotencyKey.maximumBytes) bytes")
        }
        return key
    }

    private static func flag(_ name: ExactText, _ request: JSONMembers) throws(APIFailure) -> Bool {
        guard let value = request[name], !value.isNull else { return false }
        guard let flag = value.bool else { throw .badRequest("'\(name)' must be true or false") }
        return flag
    }
}
