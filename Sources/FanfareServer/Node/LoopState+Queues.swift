import FanfareCore

/// What waits for all clients of the node together: above the limit the largest queues go.
extension LoopState {
    /// Frees this loop's part of what is too much. Each loop frees its own, at the latest at its next tick.
    func relieve() {
        let excess = node.queueMemory.share(own: metrics.counters.value(.queueMemory))
        guard excess > 0 else { return }
        let candidates = clients.filter { $0.isBehind || $0.places.kept.count > 0 }.map { client in
            QueueRelief.Candidate(
                index: Int(client.clientIndex), bytes: client.outbound.outbox.share + client.places.kept.count,
                since: client.isBehind ? client.outbound.behindSince : 0)
        }
        let victims = QueueRelief.victims(candidates, excess: excess).map { clients[$0] }
        for client in victims where client.isOpen && node.queueMemory.bytes > node.queueMemory.lowWater {
            metrics.counters.add(.queueCuts)
            client.endForMemory()
        }
    }
}
