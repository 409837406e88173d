import FanfareWire
import NIOCore

/// Packets of a client, from their bytes behind the fixed header. Pure; every field is held against its rules.
struct MQTTDecoder: Sendable, Equatable {
    /// What CONNECT said; `nil`: that is to come.
    var version: MQTTVersion?

    /// What the first byte of a packet says, held against the reserved flags (§2.1.3) and against what may come when.
    func type(_ first: UInt8) throws(MQTTError) -> MQTTPacketType {
        guard let type = MQTTPacketType(rawValue: first >> 4) else { throw .malformed("a packet of type 0") }
        guard !type.isOfServer else { throw .against("only servers send \(type.name)") }
        guard type != .auth || version != .v311 else { throw .malformed("AUTH is of MQTT 5") }
        if let flags = type.flags {
            guard first & 0x0F == flags else { throw .malformed("\(type.name) with flags that are reserved") }
        } else {
            guard first >> 1 & 0b11 < 3 else { throw .malformed("PUBLISH with QoS 3") }
            guard first & 0b1110 != 0b1000 else { throw .malformed("PUBLISH with DUP and QoS 0") }
        }
        guard version != nil || type == .connect else { throw .against("\(type.name) before CONNECT") }
        guard version == nil || type != .connect else { throw .against("CONNECT came twice") }
        return type
    }

    /// Reads a packet. A CONNECT sets ``version`` as soon as it says it, so that a mistake behind it is answered in that version.
    ///
    /// - Parameters:
    ///   - first: the first byte, for which ``type(_:)`` found a type.
    ///   - body: what the remaining length counts.
    mutating func packet(_ type: MQTTPacketType, _ first: UInt8, _ body: ByteBuffer) throws(MQTTError) -> MQTTPacket {
        var fields = MQTTFields(body)
        let packet: MQTTPacket
        switch type {
        case .connect: packet = .connect(try connect(&fields))
        case .publish: packet = .publish(try publish(first, &fields))
        case .puback, .pubrec, .pubrel, .pubcomp: packet = .acknowledge(try acknowledge(type, &fields))
        case .subscribe: packet = .subscribe(try subscribe(&fields))
        case .unsubscribe: packet = .unsubscribe(try unsubscribe(&fields))
        case .pingreq: packet = .pingreq
        case .disconnect:
            let (reason, properties) = try reason(type, &fields)
            packet = .disconnect(reason, properties)
        case .auth:
            let (reason, properties) = try reason(type, &fields)
            packet = .auth(reason, properties)
        case .connack, .suback, .unsuback, .pingresp: throw .against("only servers send \(type.name)")
        }
        try fields.end()
        return packet
    }

    private func properties(
        _ fields: inout MQTTFields, in place: MQTTPropertyID.Place
    ) throws(MQTTError) -> MQTTProperties {
        version == .v5 ? try MQTTProperties(&fields, in: place) : MQTTProperties()
    }

    // MARK: CONNECT

    private mutating func connect(_ fields: inout MQTTFields) throws(MQTTError) -> MQTTConnect {
        let (name, level) = (try fields.text(), try fields.byte())
        guard name == "MQTT" || name == "MQIsdp" else { throw .against("the protocol's name is not MQTT") }
        guard name == "MQTT", let version = MQTTVersion(rawValue: level) else {
            // The answer has the form of a version that the client may know (§3.1.2.2).
            version = level > MQTTVersion.v5.rawValue ? .v5 : .v311
            throw MQTTError(.unsupportedProtocolVersion, "this server speaks MQTT 3.1.1 and 5")
        }
        self.version = version
        let flags = try fields.byte()
        guard flags & 1 == 0 else { throw .malformed("the reserved flag of CONNECT is set") }
        let (hasWill, hasUserName, hasPassword) = (flags & 0x04 != 0, flags & 0x80 != 0, flags & 0x40 != 0)
        guard let qos = MQTTQoS(rawValue: flags >> 3 & 0b11) else { throw .malformed("a will with QoS 3") }
        guard hasWill || flags & 0x38 == 0 else { throw .malformed("QoS or RETAIN of a will that is not there") }
        guard version == .v5 || hasUserName || !hasPassword else { throw .malformed("a password without a user name") }
        let keepAlive = try fields.short()
        var connect = MQTTConnect(
            version: version, isCleanStart: flags & 0x02 != 0, keepAlive: keepAlive,
            properties: try properties(&fields, in: .packet(.connect)), clientID: try fields.text())
        if connect.properties.bytes(.authenticationData) != nil, connect.properties.text(.authenticationMethod) == nil {
            throw .against("authentication data without a method")
        }
        if hasWill {
            let properties = try properties(&fields, in: .will)
            let topic = try fields.text()
            guard !topic.isEmpty, !MQTTTopic.hasWildcard(topic) else { throw .malformed("the will's topic is none") }
            connect.will = .init(
                properties: properties, topic: topic, payload: try fields.data(), qos: qos,
                isRetained: flags & 0x20 != 0)
        }
        if hasUserName { connect.userName = try fields.text() }
        if hasPassword { connect.password = try fields.data() }
        return connect
    }

    // MARK: PUBLISH and its acknowledgements

    private func publish(_ first: UInt8, _ fields: inout MQTTFields) throws(MQTTError) -> MQTTPublish {
        guard let qos = MQTTQoS(rawValue: first >> 1 & 0b11) else { throw .malformed("PUBLISH with QoS 3") }
        let topic = try fields.text()
        guard !MQTTTopic.hasWildcard(topic) else { throw .malformed("a topic name holds + or #") }
        let packetID = qos == .atMostOnce ? 0 : try fields.packetID()
        let properties = try properties(&fields, in: .packet(.publish))
        guard !topic.isEmpty || properties.number(.topicAlias) != nil else {
            throw version == .v5 ? .against("PUBLISH without a topic or an alias") : .malformed("an empty topic")
        }
        if let topic = properties.text(.responseTopic), topic.isEmpty || MQTTTopic.hasWildcard(topic) {
            throw .against("the response topic is no topic name")
        }
        let payload = fields.bytes
        fields = MQTTFields(ByteBuffer())
        return MQTTPublish(
            topic: topic, qos: qos, isRetained: first & 1 != 0, isDuplicate: first & 8 != 0, packetID: packetID,
            properties: properties, payload: payload)
    }

    private func acknowledge(
        _ type: MQTTPacketType, _ fields: inout MQTTFields
    ) throws(MQTTError) -> MQTTAcknowledgement {
        let packetID = try fields.packetID()
        guard version == .v5 else { return MQTTAcknowledgement(type: type, packetID: packetID) }
        let (reason, properties) = try reason(type, &fields)
        return MQTTAcknowledgement(type: type, packetID: packetID, reason: reason, properties: properties)
    }

    /// A reason code and properties, which may both be missing, or the latter (§3.4.2.1, §3.14.2.1). 3.1.1 has neither.
    private func reason(
        _ type: MQTTPacketType, _ fields: inout MQTTFields
    ) throws(MQTTError) -> (MQTTReason, MQTTProperties) {
        guard version == .v5, !fields.isEmpty else { return (.success, MQTTProperties()) }
        let code = try fields.byte()
        guard let reason = MQTTReason(rawValue: code), MQTTReason.ofClient(in: type).contains(reason) else {
            throw .against("\(type.name) can't have the reason code \(code)")
        }
        return (reason, fields.isEmpty ? MQTTProperties() : try properties(&fields, in: .packet(type)))
    }

    // MARK: SUBSCRIBE and UNSUBSCRIBE

    private func subscribe(_ fields: inout MQTTFields) throws(MQTTError) -> MQTTSubscribe {
        let packetID = try fields.packetID()
        var subscribe = MQTTSubscribe(
            packetID: packetID, properties: try properties(&fields, in: .packet(.subscribe)), filters: [])
        repeat {
            guard !fields.isEmpty else { throw .against("SUBSCRIBE without a topic filter") }
            try check(subscribe.filters.count)
            let filter = try filter(&fields)
            subscribe.filters.append(try options(of: filter, try fields.byte()))
        } while !fields.isEmpty
        return subscribe
    }

    private func options(of filter: ExactText, _ byte: UInt8) throws(MQTTError) -> MQTTSubscribe.Filter {
        guard byte & (version == .v5 ? 0xC0 : 0xFC) == 0 else { throw .malformed("subscription options are reserved") }
        guard let qos = MQTTQoS(rawValue: byte & 0b11) else {
            throw version == .v5 ? .against("a subscription with QoS 3") : .malformed("a subscription with QoS 3")
        }
        guard let handling = MQTTSubscribe.RetainHandling(rawValue: byte >> 4 & 0b11) else {
            throw .against("a subscription with Retain Handling 3")
        }
        let isNoLocal = byte & 0x04 != 0
        guard !isNoLocal || !MQTTTopic.isShared(filter) else { throw .against("No Local of a shared subscription") }
        return .init(
            filter: filter, qos: qos, isNoLocal: isNoLocal, isRetainAsPublished: byte & 0x08 != 0,
            retainHandling: handling)
    }

    private func unsubscribe(_ fields: inout MQTTFields) throws(MQTTError) -> MQTTUnsubscribe {
        let packetID = try fields.packetID()
        var unsubscribe = MQTTUnsubscribe(
            packetID: packetID, properties: try properties(&fields, in: .packet(.unsubscribe)), filters: [])
        repeat {
            guard !fields.isEmpty else { throw .against("UNSUBSCRIBE without a topic filter") }
            try check(unsubscribe.filters.count)
            unsubscribe.filters.append(try filter(&fields))
        } while !fields.isEmpty
        return unsubscribe
    }

    /// A list of many empty filters would be much bigger than its packet.
    private func check(_ count: Int) throws(MQTTError) {
        guard count < MQTTBounds.filters else {
            throw MQTTError(.quotaExceeded, "more than \(MQTTBounds.filters) topic filters in a packet")
        }
    }

    private func filter(_ fields: inout MQTTFields) throws(MQTTError) -> ExactText {
        let filter = try fields.text()
        guard !filter.isEmpty else { throw .malformed("an empty topic filter") }
        return filter
    }
}
