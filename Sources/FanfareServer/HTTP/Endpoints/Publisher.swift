import FanfareCore
import FanfareWire

/// Who publishes over HTTP, where a request has no client behind it whose rate it could count against: its user, or where it
/// has none its address. All requests of one count together, on whatever connections they come, and as those of one client:
/// a connection costs nothing, and a proxy may send everybody's requests over one.
enum Publisher: Hashable, Sendable {
    case user(ExactText)
    /// As it is counted, IPv6 by /64. Also that of a trusted proxy that does not say for whom it speaks.
    case address(ClientAddress)
}
