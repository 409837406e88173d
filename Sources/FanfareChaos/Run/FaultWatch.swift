import NIOCore

/// Makes one fault and measures how it is found and how it heals.
struct FaultWatch: Sendable {
    let plan: ChaosPlan
    let control: ChaosControl
    let stage: ChaosStage
    let loop: NIOLoopBound<ChaosLoop>
    let number: Int

    func watch(_ made: FaultCase, say: @escaping @Sendable (String) -> Void) async throws -> FaultOutcome {
        let number = number
        let losesData = made.fault.losesData
        let (began, toldBefore) = try await loop.run { loop in
            loop.judge.now.fault = number
            loop.mayLeave = true
            return (loop.judge.now.seconds, loop.judge.counts.told)
        }
        say("fault \(number) \(made.fault.rawValue)")
        let start = ContinuousClock.now
        let detection = Task { made.fault.takesReadiness ? await timeToDetect(start) : nil }
        try await stage.make(made) { try await loop.run { $0.judge.wiped() } }
        let end = ContinuousClock.now
        detection.cancel()
        var outcome = FaultOutcome(
            number: number, fault: made.fault, node: made.fault.isAboutNode ? made.node + 1 : nil, began: began,
            lasted: (end - start).inSeconds, found: await detection.value)
        say("healing from \(number) \(made.fault.rawValue)")
        try await heal(&outcome, since: end)
        outcome.told =
            try await loop.run { loop in
                loop.judge.verify()
                if losesData { loop.judge.forgive() }
                loop.mayLeave = true
                return loop.judge.counts.told
            } - toldBefore
        return outcome
    }

    /// Until no node is ready; `nil` when that did not come before it was cancelled.
    private func timeToDetect(_ start: ContinuousClock.Instant) async -> Double? {
        while !Task.isCancelled {
            if await stage.readyCount() == 0 { return (ContinuousClock.now - start).inSeconds }
            try? await Task.sleep(for: .milliseconds(20))
        }
        return nil
    }

    private func heal(_ outcome: inout FaultOutcome, since end: ContinuousClock.Instant) async throws {
        let before = try await loop.run { loop in
            loop.mayLeave = false
            return loop.acknowledged()
        }
        let deadline = end + plan.patience
        var marker: ChaosLoop.Marker?
        while ContinuousClock.now < deadline {
            func passed() -> Double { (ContinuousClock.now - end).inSeconds }
            if outcome.ready == nil, await stage.readyCount() == plan.nodes { outcome.ready = passed() }
            let sight = try await loop.run { $0.sight() }
            if outcome.subscribed == nil, sight.broken == 0 { outcome.subscribed = passed() }
            if marker == nil { marker = try await loop.run { $0.marker(since: before) } }
            if outcome.ready != nil, outcome.subscribed != nil, let marker,
                try await loop.run({ $0.hasReachedAll(marker) })
            {
                outcome.healed = passed()
                return
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        try await loop.run { [outcome, marker] loop in
            let sight = loop.sight()
            loop.judge.note(
                .unhealed, nil, nil,
                "\(outcome.fault.rawValue): ready \(outcome.ready.map(\.oneDigit) ?? "never"), subscribed "
                    + "\(outcome.subscribed.map(\.oneDigit) ?? "never"), \(sight.whole) of \(loop.plan.clients) clients "
                    + "whole, \(loop.behind(marker))")
        }
    }
}

extension Fault {
    fileprivate var isAboutNode: Bool { self == .nodeCut || self == .nodeKilled || self == .nodeFrozen }
}

extension FaultOutcome: CustomStringConvertible {
    package var description: String {
        func text(_ time: Double?) -> String { time.map { "\(($0 * 100).rounded() / 100) s" } ?? "never" }
        let place = node.map { " (node-\($0))" } ?? ""
        return "fault \(number) \(fault.rawValue)\(place) lasted \(lasted.oneDigit) s"
            + (found.map { ", found after \(text($0))" } ?? "")
            + "; ready \(text(ready)), subscribed \(text(subscribed)), healed \(text(healed))"
            + (told > 0 ? ", told \(told)" : "")
    }
}
