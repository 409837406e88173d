import FanfareCore
import FanfareWire
import NIOCore

/// Frames whose head is this client's own and whose body others share.
extension ClientConnection {
    func enqueue(_ frame: SplitFrame) {
        guard phase == .open else { return }
        if tokens?.early != nil { return holdBack(frame.joined) }
        let isCredited = loop.shard.isRepairing
        guard makeRoom(for: frame.readableBytes, isCredited) else { return }
        tick.append(frame, isCredited: isCredited)
        tickHasDeliveries = true
    }

    func sent(_ count: Int, of frame: SplitFrame) {
        guard phase == .open else { return }
        guard count >= 0 else { return lost(.writeError) }
        let (isCredited, head) = (loop.shard.isRepairing, frame.head.readableBytes)
        sent(min(count, head), of: frame.head, isCredited: isCredited, .head, behind: frame.body.readableBytes)
        guard phase == .open else { return }
        sent(max(0, count - head), of: frame.body, isCredited: isCredited, .rest)
    }
}
