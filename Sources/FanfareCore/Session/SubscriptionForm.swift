import FanfareWire

/// How publications of one subscription read, where that is not as in the client's others.
public enum SubscriptionForm: Sendable {
    /// A format with parameters: the name under which all who want the same share it, and what stands behind it. In one with leads the
    /// subscription has its own.
    case interned(ExactText, FormatDefinition, lead: [UInt8]? = nil)
    /// A format of the node's table that all who want it share.
    case shared(WireFormat)
    /// A format of the node's table in which each subscription has a lead of its own.
    case personal(WireFormat, lead: [UInt8])
    /// As ``personal(_:lead:)`` with a lead that the session writes for each delivery.
    case written(WireFormat)
}

extension SubscriptionForm: Equatable {
    /// The name of an interned format says all about it.
    public static func == (lhs: SubscriptionForm, rhs: SubscriptionForm) -> Bool {
        switch (lhs, rhs) {
        case (.interned(let name, _, let lead), .interned(let other, _, let otherLead)):
            name == other && lead == otherLead
        case (.personal(let format, let lead), .personal(let other, let otherLead)):
            format == other && lead == otherLead
        case (.shared(let format), .shared(let other)), (.written(let format), .written(let other)): format == other
        default: false
        }
    }
}

/// A subscription that a session wants beside those with the client's own format.
public struct SubscriptionRequest: Sendable, Equatable {
    public let channel: ChannelName
    public let wish: RecoveryRequest
    /// Names it among the client's subscriptions to that channel; `nil`: the command's id does.
    public let request: UInt32?
    /// `nil`: as in the client's others.
    public let form: SubscriptionForm?
    /// Whether it begins when those beside it that recover something have it.
    public var isLast = false

    public init(
        channel: ChannelName, wish: RecoveryRequest, request: UInt32? = nil, form: SubscriptionForm? = nil
    ) {
        self.channel = channel
        self.wish = wish
        self.request = request
        self.form = form
    }
}
