/// The kinds of control packets (§2.1.2).
enum MQTTPacketType: UInt8, CaseIterable, Sendable {
    case connect = 1
    case connack, publish, puback, pubrec, pubrel, pubcomp, subscribe, suback, unsubscribe, unsuback, pingreq, pingresp
    case disconnect, auth

    /// As the specification writes it.
    var name: String { Self.names[Int(rawValue) - 1] }

    private static let names = [
        "CONNECT", "CONNACK", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "SUBSCRIBE", "SUBACK", "UNSUBSCRIBE",
        "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH",
    ]

    /// The reserved flags that it must have; `nil`: PUBLISH, whose flags mean something (§2.1.3).
    var flags: UInt8? {
        switch self {
        case .publish: nil
        case .pubrel, .subscribe, .unsubscribe: 0b0010
        default: 0
        }
    }

    /// Whether only servers send it.
    var isOfServer: Bool {
        switch self {
        case .connack, .suback, .unsuback, .pingresp: true
        default: false
        }
    }
}
