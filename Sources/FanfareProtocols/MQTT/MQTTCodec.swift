import FanfareWire
import NIOCore

/// Publications as PUBLISH with QoS 0, the same for all who hear them so (§3.3).
struct MQTTCodec: Codec {
    let version: MQTTVersion

    func body(_ publication: Publication) -> Body { body(publication, isRetained: false) }

    /// - Parameters:
    ///   - isRetained: whether it comes because it is the channel's newest, and not because it was published now.
    ///   - waited: seconds since it was accepted.
    func body(_ publication: Publication, isRetained: Bool, waited: UInt64 = 0) -> Body {
        let (topic, payload) = (MQTTTopic(publication.channel).name, publication.payload.bytes)
        let properties =
            version == .v5
            ? MQTTTags.properties(publication.metadata?.tags ?? .none, waited: waited) : MQTTProperties()
        let size = properties.size
        let length =
            2 + topic.utf8.count + (version == .v5 ? MQTTVariable.size(size) + size : 0) + payload.readableBytes
        return Body(.binary, sizeHint: 5 + length) { buffer in
            buffer.writeInteger(MQTTPacketType.publish.rawValue << 4 | (isRetained ? 1 : 0))
            MQTTVariable.write(length, into: &buffer)
            buffer.writeMQTTText(topic)
            if version == .v5 {
                MQTTVariable.write(size, into: &buffer)
                properties.write(into: &buffer)
            }
            buffer.writeImmutableBuffer(payload)
        }
    }
}
