/// A version of the protocol, by its level in CONNECT (MQTT 5.0 §3.1.2.2).
public enum MQTTVersion: UInt8, CaseIterable, Sendable {
    /// MQTT 3.1.1.
    case v311 = 4
    /// MQTT 5.0.
    case v5 = 5
}
