/// What a subscription has for itself before what it shares with others, in a format with leads.
public enum Lead: Sendable, Equatable {
    /// The same bytes before each publication; at most ``HubShard/maximumLeadBytes``.
    case fixed([UInt8])
    /// What the member writes for each delivery, such as the delivery's number: ``HubMember/writeLead(of:request:into:)``.
    case written
}
