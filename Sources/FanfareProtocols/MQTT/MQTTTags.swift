import FanfareWire

/// What a PUBLISH of version 5 carries beside its payload, as tags: user properties by their names, the others by names of their own. Both
/// ways they say the same, so clients of all protocols see them, and backends can set them.
enum MQTTTags {
    /// The content type (§3.3.2.3.9).
    static let contentType: ExactText = "content-type"
    /// The response topic (§3.3.2.3.5), as the client says it.
    static let responseTopic: ExactText = "response-topic"
    /// Correlation data (§3.3.2.3.6), in Base64.
    static let correlationData: ExactText = "correlation-data"
    /// The payload format indicator (§3.3.2.3.2): `1`, or it is not there.
    static let payloadFormat: ExactText = "payload-format"
    /// The message expiry interval (§3.3.2.3.3): seconds from when the node accepted it.
    static let messageExpiry: ExactText = "message-expiry"

    private static let own: Set<ExactText> = [
        contentType, responseTopic, correlationData, payloadFormat, messageExpiry,
    ]

    /// The tags of a publication that a client sends.
    ///
    /// Throws where tags can't say it: a user property that comes twice, has no name or one of the names above, more than 32 in all.
    static func tags(_ properties: MQTTProperties) throws(MQTTError) -> PublicationTags {
        guard !properties.all.isEmpty else { return .none }
        var tags: [PublicationTags.Tag] = []
        if let type = properties.text(.contentType) { tags.append(.init(name: contentType, value: type)) }
        if let topic = properties.text(.responseTopic) { tags.append(.init(name: responseTopic, value: topic)) }
        if let data = properties.bytes(.correlationData) {
            let text = String(decoding: Base64.encode(data), as: UTF8.self)
            tags.append(.init(name: correlationData, value: ExactText(text)))
        }
        if properties.number(.payloadFormatIndicator) == 1 { tags.append(.init(name: payloadFormat, value: "1")) }
        if let seconds = properties.number(.messageExpiryInterval) {
            tags.append(.init(name: messageExpiry, value: ExactText("\(seconds)")))
        }
        for (name, value) in properties.users {
            guard !own.contains(name) else {
                throw MQTTError(.implementationSpecificError, "a user property can't be named '\(name)'")
            }
            tags.append(.init(name: name, value: value))
        }
        do {
            return try PublicationTags(tags)
        } catch {
            switch error {
            case .tooMany, .tooLong: throw MQTTError(.quotaExceeded, "properties travel as tags: \(error)")
            case .noName, .repeated:
                throw MQTTError(.implementationSpecificError, "properties travel as tags: \(error)")
            }
        }
    }

    /// The properties of a publication. A tag that a packet can't say is left out.
    ///
    /// - Parameter waited: seconds since the publication was accepted, by which its expiry is nearer.
    static func properties(_ tags: PublicationTags, waited: UInt64 = 0) -> MQTTProperties {
        var properties = MQTTProperties()
        for tag in tags.all where canSay(tag.name) && canSay(tag.value) {
            switch tag.name {
            case contentType: properties.append(.contentType, .text(tag.value))
            case responseTopic:
                guard !tag.value.isEmpty, !MQTTTopic.hasWildcard(tag.value) else { continue }
                properties.append(.responseTopic, .text(tag.value))
            case correlationData:
                guard let data = Base64.decode(tag.value.utf8) else { continue }
                properties.append(.correlationData, .bytes(data))
            case payloadFormat where tag.value == "1": properties.append(.payloadFormatIndicator, 1)
            case payloadFormat: continue
            case messageExpiry:
                guard let seconds = UInt32(tag.value.string) else { continue }
                properties.append(.messageExpiryInterval, UInt64(seconds) - min(UInt64(seconds), waited))
            default: properties.append(.userProperty, .pair(tag.name, tag.value))
            }
        }
        return properties
    }

    /// Whether a publication has expired after so many seconds: nobody is to get it (§3.3.2.3.3).
    static func hasExpired(_ tags: PublicationTags, after seconds: UInt64) -> Bool {
        guard let interval = tags[messageExpiry].flatMap({ UInt32($0.string) }) else { return false }
        return seconds >= UInt64(interval)
    }

    private static func canSay(_ text: ExactText) -> Bool { !text.utf8.contains(0) }
}
