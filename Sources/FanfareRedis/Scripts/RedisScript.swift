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

    var source: String {
        switch self {
        case .publish: StreamScripts.publish
        case .publishOnce: StreamScripts.publishOnce
        case .read: StreamScripts.read
        }
    }
}
