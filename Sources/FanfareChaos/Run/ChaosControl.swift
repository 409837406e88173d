import Synchronization

/// Ends a run early, from any thread.
package final class ChaosControl: Sendable {
    private let stopped = Atomic<Bool>(false)

    package init() {}

    package var isStopped: Bool { stopped.load(ordering: .relaxed) }

    /// Ends the run: what is broken is mended, and a report is made all the same.
    package func stop() { stopped.store(true, ordering: .relaxed) }

    /// Sleeps that long, or until the run shall end.
    func sleep(_ time: Duration) async {
        let end = ContinuousClock.now + time
        while !isStopped, ContinuousClock.now < end {
            try? await Task.sleep(for: min(.milliseconds(50), end - .now))
        }
    }
}
