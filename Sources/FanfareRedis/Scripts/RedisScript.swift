/// Something that Redis does in one step (Lua, `EVALSHA`).
///
/// `ARGV[1]` is always the run of the Redis process that the link is connected to: it changes with every restart and
/// failover, and no data has to survive for that.
enum RedisScript: Int, CaseIterable, Sendable {
    /// Appends a publication to its stream and publishes it.
    case publish
    /// Publishes without a stream, once per idempotency key.
    case publishOnce
    /// Reads a stream.
    case read
    /// Adds members of a channel.
    case presenceJoin
    /// Removes members.
    case presenceLeave
    /// Gives members their full time again.
    case presenceRefresh
    /// Removes members whose time has run out.
    case presenceReap
    /// Reads the members.
    case presenceMembers
    /// Counts the members.
    case presenceStats
    /// Tries all commands that the others use.
    case rights

    /// Whether it changes what a channel's subscribers or readers see, so that its order matters.
    var changes: Bool {
        switch self {
        case .read, .presenceMembers, .presenceStats, .rights: false
        default: true
        }
    }

    var source: String {
        switch self {
        case .publish: StreamScripts.publish
        case .publishOnce: StreamScripts.publishOnce
        case .read: StreamScripts.read
        case .presenceJoin: PresenceScripts.join
        case .presenceLeave: PresenceScripts.leave
        case .presenceRefresh: PresenceScripts.refresh
        case .presenceReap: PresenceScripts.reap
        case .presenceMembers: PresenceScripts.members
        case .presenceStats: PresenceScripts.stats
        case .rights: RightsScript.source
        }
    }
}
