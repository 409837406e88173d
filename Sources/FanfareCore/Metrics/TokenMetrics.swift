/// What is counted about tokens; use `addShared`, for several loops count here, each once per connect and not per message.
public final class TokenMetrics: Sendable {
    /// Tokens that were not believed, by reason.
    public let refusals = CounterBlock<TokenRefusal>()
    public let counters = CounterBlock<TokenCounter>()

    public init() {}
}

/// Counters around tokens.
public enum TokenCounter: Int, CaseIterable, Sendable {
    /// Tokens believed.
    case accepted
    /// Times the key set was read.
    case keySetLoads
    /// Times it could not be had or understood.
    case keySetFailures
    /// Gauge: keys of the key set in use.
    case keySetKeys
}
