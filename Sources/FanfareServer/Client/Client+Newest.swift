import FanfareCore
import FanfareWire
import NIOCore

/// Channels of which only the newest publication is worth anything: for a client that is behind one waits, not all.
extension Client {
    var isBehind: Bool { isOpen && !outbound.outbox.isEmpty }

    func keepNewest(_ frame: SplitFrame, of channel: ChannelName, request: UInt32) {
        let index = outbound.newest.firstIndex { $0.request == request && $0.channel == channel }
        if let index {
            outbound.newest[index].frame = frame
            loop.metrics.counters.add(.skipped)
        } else {
            // Of subscriptions that have ended nothing waits: a client that makes one after the other would have a frame of each.
            if outbound.newest.count >= membership.count {
                outbound.newest.removeAll { !membership.contains($0.channel, request: $0.request) }
            }
            outbound.newest.append((channel, request, frame))
        }
    }

    /// The client has taken what waited: what is newest now follows, as much as it takes.
    func sendNewest() {
        while isOpen, outbound.outbox.isEmpty, !outbound.newest.isEmpty {
            // Taken out first: what is written here may be gone at once, and then this begins again.
            let (channel, request, frame) = outbound.newest.removeFirst()
            if membership.contains(channel, request: request) { enqueue(frame) }
            if outbound.turn.bytes >= Self.writeBytes || outbound.newest.isEmpty { flushTurn() }
        }
    }
}
