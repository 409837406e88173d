/// When something is to happen to a client, microseconds of the monotonic clock.
struct ClientDeadlines {
    static let never = UInt64.max
    /// Microseconds after which it is looked again whether a ping that is due can reach the client.
    static let heldPing: UInt64 = 250_000

    /// The next one of its phase: its first command, its next ping, the end of its farewell.
    var phase = never
    /// Those that few clients have; `nil`: none of them was ever set.
    private var rare: Rare?

    private final class Rare {
        var drain = never
        var slow = never
        var message = never
        var parts = never
        var expiry = never
    }

    /// When a drain ends it.
    var drain: UInt64 {
        get { rare?.drain ?? Self.never }
        set { rare(for: newValue)?.drain = newValue }
    }
    /// When it has taken too little for too long; never while nothing waits for it.
    var slow: UInt64 {
        get { rare?.slow ?? Self.never }
        set { rare(for: newValue)?.slow = newValue }
    }
    /// When a message that has begun must have ended.
    var message: UInt64 {
        get { rare?.message ?? Self.never }
        set { rare(for: newValue)?.message = newValue }
    }
    /// When the messages that belong to one before them must have come.
    var parts: UInt64 {
        get { rare?.parts ?? Self.never }
        set { rare(for: newValue)?.parts = newValue }
    }
    /// When to look at the expiry of its tokens.
    var expiry: UInt64 {
        get { rare?.expiry ?? Self.never }
        set { rare(for: newValue)?.expiry = newValue }
    }

    /// The first while the session goes on.
    var first: UInt64 {
        guard let rare else { return phase }
        return min(phase, rare.drain, rare.slow, rare.message, rare.parts, rare.expiry)
    }

    /// Where a time is kept; `nil` where it says what is so already.
    private mutating func rare(for time: UInt64) -> Rare? {
        if rare == nil, time != Self.never { rare = Rare() }
        return rare
    }
}
