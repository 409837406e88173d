/// What the log says about a node's readiness: one line when `/readyz` changes between 200 and 503. Pure.
struct ReadinessLog {
    enum Line: Equatable {
        /// `/readyz` is 200 from now on.
        case ready
        /// `/readyz` is 503 from now on.
        case notReady(String)
    }

    /// What the log said last: that the node listens is not that it is ready.
    private var wasReady = false

    /// - Parameters:
    ///   - problems: what `/readyz` says.
    ///   - isDraining: whether the node is on its way out, which has a line of its own.
    mutating func note(_ problems: [String], isDraining: Bool) -> Line? {
        guard problems.isEmpty != wasReady, !isDraining else { return nil }
        wasReady = problems.isEmpty
        return wasReady ? .ready : .notReady(problems.joined(separator: "; "))
    }
}

extension NodeContext {
    /// Whether the node should get traffic now.
    var readiness: Readiness {
        Readiness(
            isDraining: isDraining, isAccepting: isAccepting, broker: broker.status,
            tokenProblem: tokens?.keys.problem)
    }

    /// Logs a change.
    func logReadiness(_ log: inout ReadinessLog) {
        switch log.note(readiness.problems, isDraining: isDraining) {
        case .ready: logger.notice("ready for clients")
        case .notReady(let problems): logger.warning("not ready for clients", metadata: ["problems": "\(problems)"])
        case nil: break
        }
    }
}
