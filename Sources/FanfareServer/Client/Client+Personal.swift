import FanfareCore
import FanfareWire
import NIOCore

/// Frames whose head is this client's own and whose body others share.
extension Client {
    func enqueue(_ frame: SplitFrame) {
        guard isOpen else { return hold(frame) }
        if tokens?.early != nil { return holdBack(frame) }
        guard let frame = changed(frame) else { return }
        let isCredited = loop.shard.isRepairing
        guard makeRoom(for: frame.readableBytes, isCredited) else { return }
        outbound.turn.append(frame, isCredited: isCredited)
        outbound.turn.hasDeliveries = true
    }

    func writeLead(of publication: Publication, request: UInt32, into lead: inout ByteBuffer) -> Bool {
        let isTaken = session.writeLead(of: publication, request: request, into: &lead)
        places.keep(session.keptBytes, loop)
        // Not now: this is within the hub's walk over its members.
        if !isTaken, isOpen, session.isOverrun { waitForTurn() }
        return isTaken
    }

    /// A frame as it leaves for this client: its session knows what is its own in it, or its transport.
    private func changed(_ frame: SplitFrame) -> SplitFrame? {
        guard frame.head.readableBytes > 0 else { return transport?.changed(frame) }
        switch session.personal(frame) {
        case .unchanged: return transport?.changed(frame)
        case .message(let body): return transport.map { SplitFrame(body: $0.seal(body)) }
        case .nothing: return nil
        }
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
