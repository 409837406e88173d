import FanfareWire

/// What differs between messages of a publication but their lead.
public struct STOMPForm: Sendable, Equatable {
    public var version: STOMPVersion
    public var destination: STOMPDestination.Form
    /// Whether the message's id is in its lead, and not the same for all.
    public var hasOwnID: Bool
    /// Whether what carries it knows text only, as SockJS does: other bodies are in Base64 then.
    public var isTextOnly: Bool

    public init(
        _ version: STOMPVersion, _ destination: STOMPDestination.Form = .topic, hasOwnID: Bool = false,
        isTextOnly: Bool = false
    ) {
        (self.version, self.destination) = (version, destination)
        (self.hasOwnID, self.isTextOnly) = (hasOwnID, isTextOnly)
    }

    static let all: [STOMPForm] = STOMPVersion.allCases.flatMap { version in
        STOMPDestination.Form.allCases.flatMap { destination in
            [false, true].flatMap { hasOwnID in
                [false, true].map { STOMPForm(version, destination, hasOwnID: hasOwnID, isTextOnly: $0) }
            }
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
        let index = (version * 3 + destination) * 4 + (form.hasOwnID ? 1 : 0) + (form.isTextOnly ? 2 : 0)
        return WireFormat(id: firstSTOMP + index)
    }

    /// What stands behind them.
    static let stompFormats: [(WireFormat, FormatDefinition)] = STOMPForm.all.map {
        form -> (WireFormat, FormatDefinition) in
        let codec = STOMPCodec(form)
        // The frames of SockJS are put around lead and body together, by its transports.
        return (
            .stomp(form),
            form.isTextOnly ? .personal(codec, in: UnframedLead()) : .personal(codec, in: WebSocketFraming())
        )
    }
}
