import FanfareCore

/// Who of this loop's clients is in which channel, as others see it.
extension LoopState {
    /// The node is about to end: what was not told yet is told now.
    func tellPresence() { presence.tellAll() }

    static func makePresence(
        _ node: NodeContext, wheel: TimingWheel, metrics: LoopMetrics, wake: @escaping @Sendable () -> Void
    ) -> PresenceUpdater {
        PresenceUpdater(
            store: node.broker, rules: node.channels, wheel: wheel, answers: Mailbox(wake: wake), metrics: metrics,
            now: node.clock.monotonicMicroseconds)
    }
}
