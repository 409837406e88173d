import FanfareWire

/// Reason codes of MQTT 5 (Table 2-6). Names are those of the specification; one number has one name, though it has another in some packets.
public enum MQTTReason: UInt8, CaseIterable, Sendable {
    /// Also "normal disconnection" and "granted QoS 0".
    case success = 0x00
    case grantedQoS1 = 0x01
    case grantedQoS2 = 0x02
    case disconnectWithWill = 0x04
    case noMatchingSubscribers = 0x10
    case noSubscriptionExisted = 0x11
    case continueAuthentication = 0x18
    case reauthenticate = 0x19
    case unspecifiedError = 0x80
    case malformedPacket = 0x81
    case protocolError = 0x82
    case implementationSpecificError = 0x83
    case unsupportedProtocolVersion = 0x84
    case clientIdentifierNotValid = 0x85
    case badUserNameOrPassword = 0x86
    case notAuthorized = 0x87
    case serverUnavailable = 0x88
    case serverBusy = 0x89
    case banned = 0x8A
    case serverShuttingDown = 0x8B
    case badAuthenticationMethod = 0x8C
    case keepAliveTimeout = 0x8D
    case sessionTakenOver = 0x8E
    case topicFilterInvalid = 0x8F
    case topicNameInvalid = 0x90
    case packetIdentifierInUse = 0x91
    case packetIdentifierNotFound = 0x92
    case receiveMaximumExceeded = 0x93
    case topicAliasInvalid = 0x94
    case packetTooLarge = 0x95
    case messageRateTooHigh = 0x96
    case quotaExceeded = 0x97
    case administrativeAction = 0x98
    case payloadFormatInvalid = 0x99
    case retainNotSupported = 0x9A
    case qosNotSupported = 0x9B
    case useAnotherServer = 0x9C
    case serverMoved = 0x9D
    case sharedSubscriptionsNotSupported = 0x9E
    case connectionRateExceeded = 0x9F
    case maximumConnectTime = 0xA0
    case subscriptionIdentifiersNotSupported = 0xA1
    case wildcardSubscriptionsNotSupported = 0xA2

    /// What a client may say in a packet (§3.4.2.1, §3.6.2.1, §3.14.2.1, §3.15.2.1).
    static func ofClient(in packet: MQTTPacketType) -> Set<MQTTReason> {
        switch packet {
        case .puback, .pubrec: publication
        case .pubrel, .pubcomp: [.success, .packetIdentifierNotFound]
        case .disconnect:
            [
                .success, .disconnectWithWill, .unspecifiedError, .malformedPacket, .protocolError,
                .implementationSpecificError, .topicNameInvalid, .receiveMaximumExceeded, .topicAliasInvalid,
                .packetTooLarge, .messageRateTooHigh, .quotaExceeded, .administrativeAction, .payloadFormatInvalid,
            ]
        case .auth: [.continueAuthentication, .reauthenticate]
        default: []
        }
    }

    private static let publication: Set<MQTTReason> = [
        .success, .noMatchingSubscribers, .unspecifiedError, .implementationSpecificError, .notAuthorized,
        .topicNameInvalid, .packetIdentifierInUse, .quotaExceeded, .payloadFormatInvalid,
    ]

    /// What the node may say in a packet (§3.2.2.2, §3.4.2.1, §3.9.3, §3.11.3, §3.14.2.1).
    static func ofServer(in packet: MQTTPacketType) -> Set<MQTTReason> {
        switch packet {
        case .connack:
            [
                .success, .unspecifiedError, .malformedPacket, .protocolError, .implementationSpecificError,
                .unsupportedProtocolVersion, .clientIdentifierNotValid, .badUserNameOrPassword, .notAuthorized,
                .serverUnavailable, .serverBusy, .banned, .badAuthenticationMethod, .topicNameInvalid, .packetTooLarge,
                .quotaExceeded, .payloadFormatInvalid, .retainNotSupported, .qosNotSupported, .useAnotherServer,
                .serverMoved, .connectionRateExceeded,
            ]
        case .suback:
            [
                .success, .grantedQoS1, .grantedQoS2, .unspecifiedError, .implementationSpecificError, .notAuthorized,
                .topicFilterInvalid, .packetIdentifierInUse, .quotaExceeded, .sharedSubscriptionsNotSupported,
                .subscriptionIdentifiersNotSupported, .wildcardSubscriptionsNotSupported,
            ]
        case .unsuback:
            [
                .success, .noSubscriptionExisted, .unspecifiedError, .implementationSpecificError, .notAuthorized,
                .topicFilterInvalid, .packetIdentifierInUse,
            ]
        case .disconnect:
            Set(allCases).subtracting([
                .grantedQoS1, .grantedQoS2, .disconnectWithWill, .noMatchingSubscribers, .noSubscriptionExisted,
                .continueAuthentication, .reauthenticate, .unsupportedProtocolVersion, .clientIdentifierNotValid,
                .badUserNameOrPassword, .serverUnavailable, .banned, .badAuthenticationMethod, .packetIdentifierInUse,
                .packetIdentifierNotFound,
            ])
        case .puback, .pubrec: publication
        case .pubrel, .pubcomp: [.success, .packetIdentifierNotFound]
        default: []
        }
    }

    /// As the return code of a CONNACK of 3.1.1 (Table 3.1 there); `nil`: the connection is closed without one.
    var connectReturnCode: UInt8? {
        switch self {
        case .success: 0
        case .unsupportedProtocolVersion: 1
        case .clientIdentifierNotValid: 2
        case .serverUnavailable, .serverBusy, .quotaExceeded, .implementationSpecificError: 3
        case .badUserNameOrPassword, .badAuthenticationMethod: 4
        case .notAuthorized: 5
        default: nil
        }
    }

    /// What a client of version 5 is told of an end that the node wants.
    init(_ disconnect: Disconnect) {
        self =
            switch disconnect {
            case .serviceRestart: .serverShuttingDown
            case .slow, .policyViolation: .quotaExceeded
            case .tryAgainLater: .serverBusy
            case .expired: .maximumConnectTime
            case .forced, .forcedReconnect, .application: .administrativeAction
            case .noPong: .keepAliveTimeout
            case .takenOver: .sessionTakenOver
            case .permissionDenied, .invalidToken: .notAuthorized
            case .messageTooBig: .packetTooLarge
            case .notAvailable: .implementationSpecificError
            case .protocolError, .unsupportedData, .invalidPayload, .badRequest: .protocolError
            case .normal: .success
            case .abnormal, .internalError, .writeError, .insufficientState, .messageTimeout, .stale: .unspecifiedError
            }
    }
}

/// Why a packet ends its connection. The message is fit for the client.
public struct MQTTError: Error, Sendable, Equatable, CustomStringConvertible {
    public let reason: MQTTReason
    public let message: String

    public init(_ reason: MQTTReason, _ message: String) { (self.reason, self.message) = (reason, message) }

    static func malformed(_ message: String) -> MQTTError { MQTTError(.malformedPacket, message) }
    static func against(_ message: String) -> MQTTError { MQTTError(.protocolError, message) }

    public var description: String { message }

    /// How the connection ends after it.
    public var disconnect: Disconnect {
        switch reason {
        case .packetTooLarge: .messageTooBig
        case .quotaExceeded, .receiveMaximumExceeded: .policyViolation
        case .notAuthorized: .permissionDenied
        case .badUserNameOrPassword, .badAuthenticationMethod: .invalidToken
        case .serverUnavailable, .serverBusy, .unspecifiedError: .tryAgainLater
        case .implementationSpecificError, .retainNotSupported, .unsupportedProtocolVersion: .notAvailable
        default: .badRequest
        }
    }
}
