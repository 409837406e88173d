import FanfareCore
import FanfareWire
import NIOCore

/// Channels of which only the newest publication is worth anything: for a client that is behind one waits, not all.
extension ClientConnection {
    var isBehind: Bool { phase == .open && !outbox.isEmpty }

    func keepNewest(_ frame: SplitFrame, of channel: ChannelName, request: UInt32) {
        if let index = newest.firstIndex(where: { $0.request == request && $0.channel == channel }) {
            newest[index].frame = frame
            loop.metrics.counters.add(.skipped)
        } else {
            newest.append((channel, request, frame))
        }
    }

    /// The client has taken what waited: what is newest now follows, as much as it takes.
    func sendNewest() {
        while phase == .open, outbox.isEmpty, !newest.isEmpty {
            // Taken out first: what is written here may be gone at once, and then this begins again.
            let (channel, request, frame) = newest.removeFirst()
            if membership.contains(channel, request: request) { enqueue(frame) }
            if tick.bytes >= Self.writeBytes || newest.isEmpty { flushTick() }
        }
    }
}
