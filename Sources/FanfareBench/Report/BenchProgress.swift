/// The line that shows how a run goes: rewritten in place on a terminal, else one every few seconds.
public struct BenchProgress: Sendable {
    /// What there is to show.
    struct Moment {
        let phase: String
        let clients: Int
        let connected: Int
        let received: Int
        let missing: Int
        /// Of the last interval, microseconds.
        let p99: UInt64?
    }

    private let isTerminal: Bool
    private let write: @Sendable (String) -> Void
    private var last: (received: Int, at: Int64, phase: String)?

    /// - Parameter write: puts text where the person looks.
    public init(isTerminal: Bool, write: @escaping @Sendable (String) -> Void) {
        self.isTerminal = isTerminal
        self.write = write
    }

    /// Between two lines.
    var interval: Duration { isTerminal ? .seconds(1) : .seconds(5) }

    mutating func show(_ moment: Moment, now: Int64) {
        let seconds = last.map { Double(now - $0.at) / 1_000_000 } ?? 0
        let rate = seconds > 0 ? Double(moment.received - (last?.received ?? 0)) / seconds : 0
        // The end of a phase right after a line tells nothing new of a log.
        let isNews = isTerminal || last?.phase != moment.phase || seconds >= 1
        guard isNews else { return }
        last = (moment.received, now, moment.phase)
        var text = "\(moment.phase): \(Figures.count(moment.connected))/\(Figures.count(moment.clients)) clients"
        text += ", \(Figures.count(Int(rate))) deliveries/s, \(Figures.count(moment.missing)) lost"
        text += moment.p99.map { ", p99 \(Figures.time($0))" } ?? ""
        write(isTerminal ? "\r\u{1B}[K\(text)" : text + "\n")
    }

    /// Leaves the terminal's line for what comes next.
    func end() { if isTerminal { write("\r\u{1B}[K") } }
}
