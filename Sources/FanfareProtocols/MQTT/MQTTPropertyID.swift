/// Properties of MQTT 5, by their identifiers (Table 2-4).
enum MQTTPropertyID: UInt8, CaseIterable, Sendable {
    case payloadFormatIndicator = 0x01
    case messageExpiryInterval = 0x02
    case contentType = 0x03
    case responseTopic = 0x08
    case correlationData = 0x09
    case subscriptionIdentifier = 0x0B
    case sessionExpiryInterval = 0x11
    case assignedClientIdentifier = 0x12
    case serverKeepAlive = 0x13
    case authenticationMethod = 0x15
    case authenticationData = 0x16
    case requestProblemInformation = 0x17
    case willDelayInterval = 0x18
    case requestResponseInformation = 0x19
    case responseInformation = 0x1A
    case serverReference = 0x1C
    case reasonString = 0x1F
    case receiveMaximum = 0x21
    case topicAliasMaximum = 0x22
    case topicAlias = 0x23
    case maximumQoS = 0x24
    case retainAvailable = 0x25
    case userProperty = 0x26
    case maximumPacketSize = 0x27
    case wildcardSubscriptionAvailable = 0x28
    case subscriptionIdentifierAvailable = 0x29
    case sharedSubscriptionAvailable = 0x2A

    /// How its value is written (§2.2.2.2).
    enum Form: Sendable {
        /// A byte that is 0 or 1.
        case flag
        case short
        case long
        /// A variable byte integer.
        case variable
        case text
        case bytes
        /// Two texts.
        case pair
    }

    var form: Form {
        switch self {
        case .payloadFormatIndicator, .requestProblemInformation, .requestResponseInformation, .maximumQoS,
            .retainAvailable, .wildcardSubscriptionAvailable, .subscriptionIdentifierAvailable,
            .sharedSubscriptionAvailable:
            .flag
        case .serverKeepAlive, .receiveMaximum, .topicAliasMaximum, .topicAlias: .short
        case .messageExpiryInterval, .sessionExpiryInterval, .willDelayInterval, .maximumPacketSize: .long
        case .subscriptionIdentifier: .variable
        case .contentType, .responseTopic, .assignedClientIdentifier, .authenticationMethod, .responseInformation,
            .serverReference, .reasonString:
            .text
        case .correlationData, .authenticationData: .bytes
        case .userProperty: .pair
        }
    }

    /// Whether a value of 0 is a protocol error (§3.1.2.11.3, §3.1.2.11.4, §3.8.2.1.2). A topic alias of 0 has a reason code of its own.
    var isAboveZero: Bool {
        self == .receiveMaximum || self == .maximumPacketSize || self == .subscriptionIdentifier
    }

    /// Where properties stand: in a packet, or with the will in a CONNECT.
    enum Place: Hashable, Sendable {
        case packet(MQTTPacketType)
        case will

        var name: String {
            switch self {
            case .packet(let type): type.name
            case .will: "the will"
            }
        }
    }

    /// Where it may be, whoever sends it (Table 2-4).
    func isAllowed(in place: Place) -> Bool {
        switch (self, place) {
        case (.userProperty, .packet(let type)): type != .pingreq && type != .pingresp
        case (.userProperty, .will): true
        case (.payloadFormatIndicator, _), (.messageExpiryInterval, _), (.contentType, _), (.responseTopic, _),
            (.correlationData, _):
            place == .will || place == .packet(.publish)
        case (.subscriptionIdentifier, .packet(let type)): type == .publish || type == .subscribe
        case (.topicAlias, .packet(let type)): type == .publish
        case (.willDelayInterval, _): place == .will
        case (.sessionExpiryInterval, .packet(let type)): type == .connect || type == .connack || type == .disconnect
        case (.authenticationMethod, .packet(let type)), (.authenticationData, .packet(let type)):
            type == .connect || type == .connack || type == .auth
        case (.requestProblemInformation, .packet(let type)), (.requestResponseInformation, .packet(let type)):
            type == .connect
        case (.receiveMaximum, .packet(let type)), (.topicAliasMaximum, .packet(let type)),
            (.maximumPacketSize, .packet(let type)):
            type == .connect || type == .connack
        case (.serverReference, .packet(let type)): type == .connack || type == .disconnect
        case (.reasonString, .packet(let type)):
            switch type {
            case .connack, .puback, .pubrec, .pubrel, .pubcomp, .suback, .unsuback, .disconnect, .auth: true
            default: false
            }
        case (.assignedClientIdentifier, .packet(let type)), (.serverKeepAlive, .packet(let type)),
            (.responseInformation, .packet(let type)), (.maximumQoS, .packet(let type)),
            (.retainAvailable, .packet(let type)), (.wildcardSubscriptionAvailable, .packet(let type)),
            (.subscriptionIdentifierAvailable, .packet(let type)), (.sharedSubscriptionAvailable, .packet(let type)):
            type == .connack
        case (_, .will): false
        }
    }

    /// Whether only a server may send it there, though the table has it (§3.3.4, §3.14.2.2.5).
    func isOfServer(in place: Place) -> Bool {
        self == .subscriptionIdentifier && place == .packet(.publish)
            || self == .serverReference && place == .packet(.disconnect)
    }
}
