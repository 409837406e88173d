import FanfareCore
import FanfareWire
import NIOCore

/// Frames whose head is this client's own and whose body others share.
extension Client {
    func enqueue(_ frame: SplitFrame) {
        guard isOpen else { return hold(frame) }
        if tokens?.early != nil { return holdBack(frame.joined) }
        guard let frame = transport?.changed(frame) else { return }
        let isCredited = loop.shard.isRepairing
        guard makeRoom(for: frame.readableBytes, isCredited) else { return }
        outbound.turn.append(frame, isCredited: isCredited)
        outbound.turnHasDeliveries = true
    }

    /// Keeps what comes of one subscription while the client's request waits for others.
    func hold(_ frame: SplitFrame) { if life.phase == .opening { opening?.hold(frame) } }

    func sent(_ count: Int, of frame: SplitFrame) {
        guard isOpen else { return }
        guard count >= 0 else { return lost(.writeError) }
        let (isCredited, head) = (loop.shard.isRepairing, frame.head.readableBytes)
        sent(min(count, head), of: frame.head, isCredited: isCredited, .head, behind: frame.body.readableBytes)
        guard isOpen else { return }
        sent(max(0, count - head), of: frame.body, isCredited: isCredited, .rest)
    }
}
