import FanfareWire

/// What STOMP clients hear: a format for each version and form of destination. What differs between a channel's subscriptions is their
/// lead.
extension WireFormat {
    private static let firstSTOMP: UInt16 = 64

    /// - Parameter isBare: see ``STOMPDestination``.
    public static func stomp(_ version: STOMPVersion, isBare: Bool) -> WireFormat {
        let index: UInt16 =
            switch version {
            case .v10: 0
            case .v11: 1
            case .v12: 2
            }
        return WireFormat(id: firstSTOMP + index * 2 + (isBare ? 1 : 0))
    }

    /// What stands behind them.
    static let stompFormats: [(WireFormat, FormatDefinition)] = STOMPVersion.allCases.flatMap { version in
        [false, true].map { isBare in
            (
                WireFormat.stomp(version, isBare: isBare),
                .personal(STOMPCodec(version: version, isBare: isBare), in: WebSocketFraming())
            )
        }
    }
}
