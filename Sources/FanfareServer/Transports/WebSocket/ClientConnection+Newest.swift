import FanfareCore
import FanfareWire
import NIOCore

/// Channels of which only the newest publication is worth anything: for a client that is behind one waits, not all.
extension ClientConnection {
    var isBehind: Bool { phase == .open && !outbox.isEmpty }

    func keepNewest(_ frame: ByteBuffer, of channel: ChannelName) {
        if let index = newest.firstIndex(where: { $0.channel == channel }) {
            newest[index].frame = frame
            loop.metrics.counters.add(.skipped)
        } else {
            newest.append((channel, frame))
        }
    }

    /// The client has taken what waited: what is newest now follows.
    func sendNewest() {
        guard !newest.isEmpty else { return }
        let frames = newest
        newest = []
        for (channel, frame) in frames where membership.contains(channel) { enqueue(frame) }
        flushTick()
    }
}
