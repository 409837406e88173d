extension Duration {
    /// Whole microseconds; negative durations are 0, those beyond 292,000 years that much.
    public var microseconds: UInt64 {
        let (seconds, attoseconds) = components
        let whole = UInt64(min(max(0, seconds), Self.longestSeconds))
        return whole * 1_000_000 + UInt64(max(0, attoseconds)) / 1_000_000_000_000
    }

    private static var longestSeconds: Int64 { 9_223_372_036_854 }
}
