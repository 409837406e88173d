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

extension Exchange {
    /// With whom publications by requests are counted: those of the user, or of the address where nobody has said who it is; `nil`: they are
    /// not limited.
    ///
    /// - Parameter now: microseconds of the monotonic clock.
    func publisher(_ bearer: Bearer, now: UInt64) -> ClientGroup? {
        let user = bearer.grants.user
        let publisher = user.isEmpty ? Publisher.address(caller.address.counted) : .user(user)
        return loop.node.publishers?.group(publisher, now: now)
    }
}
