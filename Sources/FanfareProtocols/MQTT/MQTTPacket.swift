import FanfareWire
import NIOCore

/// A control packet of a client.
enum MQTTPacket: Sendable, Equatable {
    case connect(MQTTConnect)
    case publish(MQTTPublish)
    case acknowledge(MQTTAcknowledgement)
    case subscribe(MQTTSubscribe)
    case unsubscribe(MQTTUnsubscribe)
    case pingreq
    case disconnect(MQTTReason, MQTTProperties)
    case auth(MQTTReason, MQTTProperties)
}

/// How often a message may come: at most once, at least once, once (§4.3).
enum MQTTQoS: UInt8, CaseIterable, Comparable, Sendable {
    case atMostOnce = 0
    case atLeastOnce = 1
    case exactlyOnce = 2

    static func < (lhs: MQTTQoS, rhs: MQTTQoS) -> Bool { lhs.rawValue < rhs.rawValue }
}

/// CONNECT (§3.1).
struct MQTTConnect: Sendable, Equatable {
    /// What the broker is to publish when the connection breaks.
    struct Will: Sendable, Equatable {
        var properties = MQTTProperties()
        var topic: ExactText
        var payload: ByteBuffer
        var qos: MQTTQoS
        var isRetained: Bool
    }

    var version: MQTTVersion
    /// "Clean session" in 3.1.1.
    var isCleanStart: Bool
    /// Seconds; 0: off.
    var keepAlive: UInt16
    var properties = MQTTProperties()
    var clientID: ExactText
    var will: Will?
    var userName: ExactText?
    var password: ByteBuffer?
}

/// PUBLISH (§3.3).
struct MQTTPublish: Sendable, Equatable {
    var topic: ExactText
    var qos: MQTTQoS = .atMostOnce
    var isRetained = false
    var isDuplicate = false
    /// 0 with QoS 0, which has none.
    var packetID: UInt16 = 0
    var properties = MQTTProperties()
    var payload = ByteBuffer()
}

/// PUBACK, PUBREC, PUBREL and PUBCOMP (§3.4 to §3.7).
struct MQTTAcknowledgement: Sendable, Equatable {
    var type: MQTTPacketType
    var packetID: UInt16
    var reason: MQTTReason = .success
    var properties = MQTTProperties()
}

/// SUBSCRIBE (§3.8).
struct MQTTSubscribe: Sendable, Equatable {
    struct Filter: Sendable, Equatable {
        var filter: ExactText
        var qos: MQTTQoS = .atMostOnce
        /// What the client published itself does not come.
        var isNoLocal = false
        var isRetainAsPublished = false
        var retainHandling = RetainHandling.always
    }

    /// When retained messages come with a subscription.
    enum RetainHandling: UInt8, Sendable {
        case always = 0
        case ifNew = 1
        case never = 2
    }

    var packetID: UInt16
    var properties = MQTTProperties()
    /// At least one.
    var filters: [Filter]
}

/// UNSUBSCRIBE (§3.10).
struct MQTTUnsubscribe: Sendable, Equatable {
    var packetID: UInt16
    var properties = MQTTProperties()
    /// At least one.
    var filters: [ExactText]
}
