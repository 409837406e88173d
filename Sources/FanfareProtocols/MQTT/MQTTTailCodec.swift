import FanfareWire
import NIOCore

/// Publications as PUBLISH, but for what differs between subscriptions: head, topic and the length of the properties, which are the
/// lead. What is shared is properties and payload.
struct MQTTTailCodec: Codec {
    let version: MQTTVersion

    func body(_ publication: Publication) -> Body { body(publication, waited: 0) }

    func body(_ publication: Publication, waited: UInt64) -> Body {
        let properties = properties(publication, waited: waited)
        return Body(.binary, sizeHint: properties.size + publication.payload.bytes.readableBytes) { buffer in
            properties.write(into: &buffer)
            buffer.writeImmutableBuffer(publication.payload.bytes)
        }
    }

    private func properties(_ publication: Publication, waited: UInt64 = 0) -> MQTTProperties {
        guard version == .v5, let tags = publication.metadata?.tags else { return MQTTProperties() }
        return MQTTTags.properties(tags, waited: waited)
    }

    /// What is a subscription's own in a delivery.
    struct Lead {
        var isRetained = false
        var qos = MQTTQoS.atMostOnce
        /// 0 with QoS 0, which has none.
        var packetID: UInt16 = 0
        /// Of version 5; `nil`: none.
        var subscriptionID: UInt32?
        /// Bytes that a packet may have.
        var limit = Int.max
    }

    /// Writes the lead of a delivery. Returns whether the packet is within the limit; if not, nothing is written.
    func write(_ lead: Lead, of publication: Publication, into buffer: inout ByteBuffer) -> Bool {
        let (topic, shared) = (MQTTTopic(publication.channel).name, properties(publication).size)
        let own = lead.subscriptionID.map { 1 + MQTTVariable.size(Int($0)) } ?? 0
        let head = version == .v5 ? MQTTVariable.size(own + shared) + own : 0
        let idBytes = lead.qos == .atMostOnce ? 0 : 2
        let length = 2 + topic.utf8.count + idBytes + head + shared + publication.payload.bytes.readableBytes
        guard 1 + MQTTVariable.size(length) + length <= lead.limit else { return false }
        buffer.writeInteger(
            MQTTPacketType.publish.rawValue << 4 | lead.qos.rawValue << 1 | (lead.isRetained ? 1 : 0))
        MQTTVariable.write(length, into: &buffer)
        buffer.writeMQTTText(topic)
        if idBytes > 0 { buffer.writeInteger(lead.packetID) }
        guard version == .v5 else { return true }
        MQTTVariable.write(own + shared, into: &buffer)
        if let id = lead.subscriptionID {
            buffer.writeInteger(MQTTPropertyID.subscriptionIdentifier.rawValue)
            MQTTVariable.write(Int(id), into: &buffer)
        }
        return true
    }

    /// The whole packet, for what nobody shares; `nil`: it is above the limit.
    ///
    /// - Parameter waited: seconds since the publication was accepted.
    func packet(_ lead: Lead, _ publication: Publication, waited: UInt64) -> Body? {
        var head = ByteBuffer()
        guard write(lead, of: publication, into: &head) else { return nil }
        let rest = body(publication, waited: waited)
        return Body(.binary, sizeHint: head.readableBytes + rest.count) { buffer in
            buffer.writeImmutableBuffer(head)
            buffer.writeImmutableBuffer(rest.bytes)
        }
    }
}
