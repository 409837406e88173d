/// When something is to happen to a client, microseconds of the monotonic clock.
struct ClientDeadlines {
    static let never = UInt64.max

    /// The next one of its phase: its first command, its next ping, the end of its farewell.
    var phase = never
    /// When a drain ends it.
    var drain = never
    /// When it has taken too little for too long; never while nothing waits for it.
    var slow = never
    /// When a message that has begun must have ended.
    var message = never
    /// When to look at the expiry of its tokens.
    var expiry = never

    /// The first while the session goes on.
    var first: UInt64 { min(phase, drain, slow, message, expiry) }
}
