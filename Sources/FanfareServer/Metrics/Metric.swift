import FanfareCore

/// One metric of a node: its name, its meaning, and where its value comes from. ``all`` is the table of them.
struct Metric: Sendable {
    /// What is read at one scrape; made once, so that all metrics of a scrape agree.
    struct Source {
        let context: AdminContext
        let readiness: Readiness
        let brokerStatus: BrokerStatus
        let process: ProcessStatistics

        init(_ context: AdminContext) {
            self.context = context
            readiness = Readiness(context)
            brokerStatus = context.broker.status
            process = ProcessStatistics.current
        }

        var metrics: NodeMetrics { context.metrics }
        var limits: Limits { context.limits }
    }

    /// What a metric has to say at one scrape.
    enum Value {
        /// A number; `nil` where the machine does not tell: then the metric is left out.
        case number(Double?)
        /// A number for each set of labels. No label has values that a client can choose.
        case family([(labels: [(String, String)], value: Double)])
        /// Durations by bucket.
        case durations(DurationHistogram.Snapshot)
    }

    let name: String
    let kind: Exposition.Kind
    /// What is counted and in which unit.
    let help: String
    let read: @Sendable (Source) -> Value

    /// Adds the metric to a scrape's text.
    func write(_ source: Source, to text: inout Exposition) {
        switch read(source) {
        case .number(let value):
            if let value { text.add(name, kind, help, value) }
        case .family(let samples):
            text.family(name, kind, help, samples)
        case .durations(let snapshot):
            text.histogram(
                name,
                help,
                bounds: DurationHistogram.boundsMicroseconds,
                buckets: snapshot.buckets,
                sumMicroseconds: snapshot.sumMicroseconds
            )
        }
    }
}

/// The kinds of lines that the table is made of.
extension Metric {
    static func counter(_ name: String, _ help: String, loops counter: LoopCounter) -> Metric {
        Metric(name: name, kind: .counter, help: help) { .number(Double($0.metrics.sum(counter))) }
    }

    static func counter(_ name: String, _ help: String, shared counter: SharedCounter) -> Metric {
        Metric(name: name, kind: .counter, help: help) { .number(Double($0.metrics.shared.value(counter))) }
    }

    static func counter(_ name: String, _ help: String, broker counter: BrokerCounter) -> Metric {
        Metric(name: name, kind: .counter, help: help) { .number(Double($0.metrics.broker.counters.value(counter))) }
    }

    static func counter(_ name: String, _ help: String, control counter: ControlCounter) -> Metric {
        Metric(name: name, kind: .counter, help: help) { .number(Double($0.metrics.control.value(counter))) }
    }

    static func gauge(_ name: String, _ help: String, control counter: ControlCounter) -> Metric {
        Metric(name: name, kind: .gauge, help: help) { .number(Double($0.metrics.control.value(counter))) }
    }

    static func counter(_ name: String, _ help: String, _ read: @escaping @Sendable (Source) -> Double?) -> Metric {
        Metric(name: name, kind: .counter, help: help) { .number(read($0)) }
    }

    static func gauge(_ name: String, _ help: String, loops counter: LoopCounter) -> Metric {
        Metric(name: name, kind: .gauge, help: help) { .number(Double($0.metrics.sum(counter))) }
    }

    static func gauge(_ name: String, _ help: String, broker counter: BrokerCounter) -> Metric {
        Metric(name: name, kind: .gauge, help: help) { .number(Double($0.metrics.broker.counters.value(counter))) }
    }

    static func gauge(_ name: String, _ help: String, _ read: @escaping @Sendable (Source) -> Double?) -> Metric {
        Metric(name: name, kind: .gauge, help: help) { .number(read($0)) }
    }

    static func flag(_ name: String, _ help: String, _ read: @escaping @Sendable (Source) -> Bool) -> Metric {
        Metric(name: name, kind: .gauge, help: help) { .number(read($0) ? 1 : 0) }
    }

    /// A limit in a whole number of things or bytes.
    static func limit(_ name: String, _ help: String, _ read: @escaping @Sendable (Limits) -> Int) -> Metric {
        Metric(name: name, kind: .gauge, help: help) { .number(Double(read($0.limits))) }
    }

    /// A limit in seconds.
    static func deadline(_ name: String, _ help: String, _ read: @escaping @Sendable (Source) -> Duration) -> Metric {
        Metric(name: name, kind: .gauge, help: help) { .number(Double(read($0).microseconds) / 1_000_000) }
    }

    static func histogram(
        _ name: String,
        _ help: String,
        loops read: @escaping @Sendable (LoopMetrics) -> DurationHistogram
    ) -> Metric {
        Metric(name: name, kind: .histogram, help: help) { source in
            var total = DurationHistogram.Snapshot()
            for loop in source.metrics.loops { total += read(loop).snapshot() }
            return .durations(total)
        }
    }

    static func histogram(
        _ name: String,
        _ help: String,
        broker read: @escaping @Sendable (BrokerMetrics) -> DurationHistogram
    ) -> Metric {
        Metric(name: name, kind: .histogram, help: help) { .durations(read($0.metrics.broker).snapshot()) }
    }

    /// A counter with one label, whose values are all there from the start.
    static func counter(
        _ name: String,
        _ help: String,
        by label: String,
        _ read: @escaping @Sendable (NodeMetrics) -> [(String, Int)]
    ) -> Metric {
        Metric(name: name, kind: .counter, help: help) { source in
            .family(read(source.metrics).map { (labels: [(label, $0.0)], value: Double($0.1)) })
        }
    }
}
