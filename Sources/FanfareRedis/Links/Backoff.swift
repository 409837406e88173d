/// How long to wait before the next try: random between nothing and a bound that doubles (full jitter), so that a
/// hundred nodes that lost Redis together do not come back together.
struct Backoff {
    private let bounds: ClosedRange<Duration>
    private var tries = 0

    init(_ bounds: ClosedRange<Duration>) { self.bounds = bounds }

    /// The next wait.
    mutating func next(using random: inout some RandomNumberGenerator) -> Duration {
        let bound = min(bounds.upperBound, bounds.lowerBound * (1 << min(tries, 20)))
        tries += 1
        return bound * Double.random(in: 0...1, using: &random)
    }

    /// A try succeeded.
    mutating func reset() { tries = 0 }
}
