import FanfareWire

/// What MQTT clients hear: for each version a packet that all share, and one whose beginning each subscription has for itself.
extension WireFormat {
    /// PUBLISH with QoS 0.
    public static func mqtt(_ version: MQTTVersion) -> WireFormat { WireFormat(id: version == .v5 ? 101 : 100) }

    /// PUBLISH behind a lead of its subscription: see ``MQTTTailCodec``.
    static func mqttTail(_ version: MQTTVersion) -> WireFormat { WireFormat(id: version == .v5 ? 103 : 102) }

    /// What stands behind them.
    static let mqttFormats: [(WireFormat, FormatDefinition)] = MQTTVersion.allCases.flatMap { version in
        [
            (WireFormat.mqtt(version), .encoded(MQTTCodec(version: version), in: WebSocketFraming())),
            (WireFormat.mqttTail(version), .personal(MQTTTailCodec(version: version), in: WebSocketFraming())),
        ]
    }
}
