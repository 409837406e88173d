import FanfareWire

/// What differs between messages of a publication but their lead.
public struct STOMPForm: Sendable, Equatable {
    public var version: STOMPVersion
    public var destination: STOMPDestination.Form
    /// Whether the message's id is in its lead, and not the same for all.
    public var hasOwnID: Bool

    public init(_ version: STOMPVersion, _ destination: STOMPDestination.Form = .topic, hasOwnID: Bool = false) {
        (self.version, self.destination, self.hasOwnID) = (version, destination, hasOwnID)
    }

    static let all: [STOMPForm] = STOMPVersion.allCases.flatMap { version in
        STOMPDestination.Form.allCases.flatMap { destination in
            [false, true].map { STOMPForm(version, destination, hasOwnID: $0) }
        }
    }
}

/// What STOMP clients hear: a format for each form. What differs between a channel's subscriptions is their lead.
extension WireFormat {
    private static let firstSTOMP: UInt16 = 64

    public static func stomp(_ form: STOMPForm) -> WireFormat {
        let version: UInt16 =
            switch form.version {
            case .v10: 0
            case .v11: 1
            case .v12: 2
            }
        let destination: UInt16 =
            switch form.destination {
            case .topic: 0
            case .bare: 1
            case .user: 2
            }
        return WireFormat(id: firstSTOMP + (version * 3 + destination) * 2 + (form.hasOwnID ? 1 : 0))
    }

    /// What stands behind them.
    static let stompFormats: [(WireFormat, FormatDefinition)] = STOMPForm.all.map { form in
        (.stomp(form), .personal(STOMPCodec(form), in: WebSocketFraming()))
    }
}
