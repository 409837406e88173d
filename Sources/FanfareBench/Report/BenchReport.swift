/// What a run measured. `--json` prints it with the names below in snake case; times are microseconds.
public struct BenchReport: Encodable, Sendable {
    /// Listening clients.
    public struct Clients: Encodable, Sendable {
        public var asked: Int
        /// At the end of connecting.
        public var connected: Int
        /// Could not connect.
        public var refused: Int
        public var refusedBy: [String: Int]
        /// Ended during the run.
        public var lost: Int
        public var lostBy: [String: Int]
    }

    /// What was published.
    public struct Publications: Encodable, Sendable {
        /// Those of the whole duration at the rate asked for.
        public var asked: Int
        public var sent: Int
        public var accepted: Int
        public var refused: Int
        public var refusedBy: [String: Int]
        /// Their connection, or the run, ended before the answer came.
        public var unanswered: Int
        /// Never sent: the server took them too slowly, or the run ended early.
        public var unsent: Int
        public var askedPerSecond: Double
        public var acceptedPerSecond: Double
        /// Why connections of the publisher ended.
        public var endedBy: [String: Int]
    }

    /// What arrived.
    public struct Deliveries: Encodable, Sendable {
        public var expected: Int
        public var received: Int
        public var perSecond: Double
        public var lost: Int
        public var repeated: Int
        public var outOfOrder: Int
        /// Of another channel or another run.
        public var foreign: Int
    }

    /// Percentiles in microseconds.
    public struct Percentiles: Encodable, Sendable {
        public var p50: UInt64
        public var p90: UInt64
        public var p99: UInt64
        public var p999: UInt64
        public var p9999: UInt64
        public var max: UInt64

        /// `nil` when nothing was measured.
        init?(_ times: Times) {
            guard times.totalCount > 0 else { return nil }
            p50 = times.p(50)
            p90 = times.p(90)
            p99 = times.p(99)
            p999 = times.p(99.9)
            p9999 = times.p(99.99)
            max = times.p(100)
        }
    }

    /// What `--metrics-url` gave, all nodes together.
    public struct Server: Encodable, Sendable {
        public var cpuSeconds: Double
        public var cpuMicrosecondsPerDelivery: Double
        public var residentBytes: Int
    }

    /// The load generator itself.
    public struct Generator: Encodable, Sendable {
        public var cpuSeconds: Double
        public var threads: Int
        /// How much after their time publications were handed out.
        public var lateMicroseconds: Percentiles?
    }

    public var url: String
    public var `protocol`: String
    public var publish: String
    public var channels: Int
    public var size: Int
    public var burst: Int
    /// From the first publication to the last moment at which one was due.
    public var seconds: Double
    /// Ctrl-C ended it early.
    public var interrupted: Bool
    public var clients: Clients
    public var connectMicroseconds: Percentiles?
    public var publications: Publications
    /// From a publication's time to the server's answer to the publisher.
    public var answerMicroseconds: Percentiles?
    public var deliveries: Deliveries
    public var latencyMicroseconds: Percentiles?
    public var server: Server?
    public var generator: Generator
    /// What to keep in mind when reading the figures.
    public var notes: [String]
    /// Everything arrived, once, in order, at every client.
    public var ok: Bool
}
