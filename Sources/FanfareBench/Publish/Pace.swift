/// When publications are due: evenly spaced, or evenly spaced bursts. Open loop: a slow server does not slow it down.
struct Pace: Equatable {
    let burst: Int
    /// Publications of the whole run.
    let total: Int
    private let microsecondsPerBurst: Double

    init(rate: Double, burst: Int, duration: Duration) {
        self.burst = burst
        let bursts = (rate * duration.inSeconds / Double(burst)).rounded(.up)
        total = Int(bursts) * burst
        microsecondsPerBurst = 1_000_000 * Double(burst) / rate
    }

    /// Microseconds from the beginning to the moment at which a publication is due.
    func due(_ number: Int) -> Int64 { Int64(Double(number / burst) * microsecondsPerBurst) }
}
