import FanfareCore
import FanfareWire
import NIOCore

/// What a client publishes.
extension MQTTSession {
    /// A publication whose outcome is awaited.
    struct Call: Sendable {
        let packetID: UInt16
        let qos: MQTTQoS
    }

    mutating func publish(_ packet: MQTTPublish) throws(MQTTError) -> SessionAction {
        let topic = try topic(of: packet)
        if packet.qos == .exactlyOnce, let isReceived = unreleased[packet.packetID] {
            // The same again (§4.3.3): it is published once. Before its outcome nothing can be said.
            return isReceived ? say(MQTTWriter.acknowledge(version, .pubrec, packet.packetID)) : .none
        }
        try checkInFlight(packet.qos)
        do throws(MQTTError) {
            return try publish(packet, to: topic)
        } catch {
            return try refuse(packet, error)
        }
    }

    /// The channel's topic, by its name or its alias (§3.3.2.3.4); `nil`: the name is no channel's.
    private mutating func topic(of packet: MQTTPublish) throws(MQTTError) -> MQTTTopic? {
        let topic = MQTTTopic(packet.topic, limit: policy.maxChannelNameBytes)
        guard let alias = packet.properties.number(.topicAlias).map({ UInt16(clamping: $0) }) else { return topic }
        guard alias <= MQTTBounds.topicAliases else {
            throw MQTTError(.topicAliasInvalid, "a topic alias is at most \(MQTTBounds.topicAliases)")
        }
        if !packet.topic.isEmpty {
            aliases[alias] = topic?.channel
            return topic
        }
        guard let channel = aliases[alias] else { throw .against("a topic alias that stands for nothing") }
        return MQTTTopic(channel)
    }

    private func checkInFlight(_ qos: MQTTQoS) throws(MQTTError) {
        guard qos != .atMostOnce else { return }
        if version == .v311 {
            guard unreleased.count < MQTTBounds.unreleased else {
                throw MQTTError(.quotaExceeded, "too many publications wait for PUBREL")
            }
            return
        }
        let count = unreleased.count + calls.values.count { $0.qos == .atLeastOnce }
        guard count < Int(MQTTBounds.receiveMaximum) else {
            throw MQTTError(.receiveMaximumExceeded, "more than \(MQTTBounds.receiveMaximum) publications in flight")
        }
    }

    private mutating func publish(_ packet: MQTTPublish, to topic: MQTTTopic?) throws(MQTTError) -> SessionAction {
        guard let channel = topic?.channel else {
            throw MQTTError(.topicNameInvalid, "the topic is no channel's name")
        }
        guard let rules = policy.channels.rules(channel) else {
            throw MQTTError(.topicNameInvalid, "unknown namespace of channel '\(channel)'")
        }
        guard may(.publish, channel, rules.publish) else {
            throw MQTTError(.notAuthorized, "permission denied: PUBLISH to \(channel)")
        }
        // Its newest publication is the retained message of such a channel, however it was published.
        guard !packet.isRetained || rules.recovery == .cache else {
            throw MQTTError(
                .retainNotSupported, "the channel keeps no retained message: its namespace has no recovery=cache")
        }
        if let limit = rules.maxMessageBytes, packet.payload.readableBytes > limit {
            throw MQTTError(.quotaExceeded, "the payload is above the channel's limit of \(limit) bytes")
        }
        let isUTF8 = packet.payload.withUnsafeReadableBytes { UTF8Validator.isValid($0) }
        guard isUTF8 || packet.properties.number(.payloadFormatIndicator) != 1 else {
            throw MQTTError(.payloadFormatInvalid, "the payload is not UTF-8")
        }
        let payload = Payload(kind: isUTF8 ? .text : .binary, bytes: packet.payload)
        guard !payload.isNestedTooDeep else { throw MQTTError(.implementationSpecificError, JSONDepth.problem) }
        let tags = try MQTTTags.tags(packet.properties)
        let number = makeNumber()
        calls[number] = Call(packetID: packet.packetID, qos: packet.qos)
        if packet.qos == .exactlyOnce { unreleased[packet.packetID] = false }
        let isForOthers = subscriptions.contains { $0.topic.channel == channel && $0.isNoLocal }
        // Where nobody hears it with more, nothing need say that it comes with less.
        if packet.qos < rules.mqttQoS {
            let terms = PublishTerms(qos: packet.qos.rawValue, isForOthers: isForOthers)
            return .publishOnTerms(channel, payload, tags, terms, id: number)
        }
        return isForOthers
            ? .publishToOthers(channel, payload, tags, id: number) : .publish(channel, payload, tags, id: number)
    }

    /// Says that a publication is refused, in its acknowledgement where that has a code for it. QoS 0 and 3.1.1 have none, and a loss in
    /// silence is worse than an end: then it is thrown.
    private mutating func refuse(_ packet: MQTTPublish, _ error: MQTTError) throws(MQTTError) -> SessionAction {
        guard version == .v5, packet.qos != .atMostOnce, MQTTReason.ofServer(in: .puback).contains(error.reason) else {
            throw error
        }
        return .all([
            .dropped, acknowledge(packet.qos, packet.packetID, error.reason, error.message),
        ])
    }

    private mutating func acknowledge(
        _ qos: MQTTQoS, _ packetID: UInt16, _ reason: MQTTReason = .success, _ text: String? = nil
    ) -> SessionAction {
        say(
            MQTTWriter.acknowledge(
                version, qos == .exactlyOnce ? .pubrec : .puback, packetID, reason, text: text.flatMap(explanation)))
    }

    /// What became of a publication: the broker has it, or not.
    mutating func published(id: UInt32, _ result: Result<PublishReceipt, BrokerError>) -> SessionAction {
        guard let call = calls.removeValue(forKey: id), !hasFailed else { return .none }
        switch result {
        case .success:
            guard call.qos != .atMostOnce else { return .none }
            if call.qos == .exactlyOnce { unreleased[call.packetID] = true }
            return acknowledge(call.qos, call.packetID)
        case .failure(let error):
            guard call.qos != .atMostOnce else { return .dropped }
            unreleased[call.packetID] = nil
            let what = "PUBLISH \(error.outcome == .notPublished ? "refused" : "not confirmed"): \(error)"
            // 3.1.1 can't be told; it sends it again when it is back.
            guard version == .v5 else { return fail(MQTTError(.serverUnavailable, what)) }
            return .all([.dropped, acknowledge(call.qos, call.packetID, .unspecifiedError, what)])
        }
    }

    /// PUBREL ends what PUBREC began (§4.3.3).
    mutating func released(_ packetID: UInt16) -> SessionAction {
        let isKnown = unreleased.removeValue(forKey: packetID) != nil
        return say(MQTTWriter.acknowledge(version, .pubcomp, packetID, isKnown ? .success : .packetIdentifierNotFound))
    }
}
