#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What a run came to.
package struct ChaosReport: Sendable, Encodable {
    package let seed: UInt64
    package let seconds: Double
    package let isInterrupted: Bool
    package let clients: Int
    package let channels: Int
    /// Acknowledged.
    package let publications: Int
    /// Publishes of clients with an unknown outcome: at most once.
    package let unknownPublications: Int
    /// Publishes through the server API that were sent again with their key.
    package let retriedPublications: Int
    package let deliveries: Int
    /// Those of each kind of client.
    package let deliveriesByKind: [String: Int]
    /// Subscriptions that went on where they were.
    package let recoveries: Int
    /// Connections that ended, by reason; departures of the clients' own are not among them.
    package let disconnects: [String: Int]
    package let departures: Int
    /// Subscriptions that a node ended, to be made again.
    package let unsubscribes: Int
    package let lost: Int
    package let repeated: Int
    package let reordered: Int
    package let foreign: Int
    /// Clients' channels that were told to begin anew, where data was lost.
    package let told: Int
    /// The same where no data was lost: violations.
    package let wronglyTold: Int
    package let unhealed: Int
    /// Acknowledged, then lost with Redis' data before anyone saw it.
    package let wiped: Int
    package let faults: [FaultOutcome]
    package let violations: [Violation]
    /// Where what the processes said is kept, after violations.
    package var evidence: String?

    /// Whether every promise was kept.
    package var isGood: Bool { lost + repeated + reordered + foreign + wronglyTold + unhealed == 0 }

    /// One JSON object on one line.
    package func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}

extension ChaosReport {
    init(
        plan: ChaosPlan, seconds: Double, isInterrupted: Bool, sight: ChaosLoop.Sight, faults: [FaultOutcome],
        violations: [Violation]
    ) {
        func total(_ kind: Violation.Kind) -> Int { sight.totals[kind] ?? 0 }
        seed = plan.seed
        self.seconds = seconds
        self.isInterrupted = isInterrupted
        clients = plan.clients
        channels = plan.channels
        publications = sight.judged.acknowledged
        unknownPublications = sight.judged.unknown
        retriedPublications = sight.counts.retries
        deliveries = sight.judged.deliveries
        deliveriesByKind = sight.counts.deliveries
        recoveries = sight.judged.recovered
        disconnects = sight.counts.disconnects
        departures = sight.counts.departures
        unsubscribes = sight.counts.unsubscribes
        lost = total(.lost)
        repeated = total(.repeated)
        reordered = total(.reordered)
        foreign = total(.foreign)
        wronglyTold = total(.told)
        told = sight.judged.told - total(.told)
        unhealed = total(.unhealed)
        wiped = sight.judged.wiped
        self.faults = faults
        self.violations = violations
    }
}
