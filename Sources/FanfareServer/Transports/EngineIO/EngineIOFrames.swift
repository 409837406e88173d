import FanfareWire
import NIOCore

/// Packets that a client handed to its transport and that no poll has fetched: WebSocket frames in the pieces in which they came, a
/// frame may be cut. References to bytes that clients share, no copies.
struct EngineIOFrames {
    private(set) var pieces: [ByteBuffer] = []
    private var bytes = 0

    static let noop = EngineIOFraming.packet(.noop)
    static let close = EngineIOFraming.packet(.close)
    static let ping = EngineIOFraming.packet(.ping)
    static let probeAnswer = EngineIOFraming.packet(.pong, ByteBuffer(string: "probe"))

    mutating func append(_ piece: ByteBuffer) {
        pieces.append(piece)
        bytes += piece.readableBytes
    }

    /// Takes all whole frames; `nil`: there is none.
    mutating func takeWhole() -> ByteBuffer? {
        guard bytes > 0 else { return nil }
        var joined = ByteBuffer()
        joined.reserveCapacity(bytes)
        for piece in pieces { joined.writeImmutableBuffer(piece) }
        let count = EngineIOPayload.whole(joined)
        guard count > 0, let whole = joined.readSlice(length: count) else { return nil }
        bytes = joined.readableBytes
        pieces = bytes > 0 ? [joined] : []
        return whole
    }

    /// Puts back what is too much of whole frames that were taken, before what waits behind them.
    ///
    /// - Returns: frames of at most so many bytes, at most so many; `nil`: the first alone has more bytes.
    mutating func keepRest(of whole: ByteBuffer, maxBytes: Int, maxPackets: Int = .max) -> ByteBuffer? {
        guard whole.readableBytes > maxBytes || maxPackets < .max else { return whole }
        var rest = whole
        let count = EngineIOPayload.whole(whole, maxBytes: maxBytes, maxPackets: maxPackets)
        guard count > 0, let first = rest.readSlice(length: count) else { return nil }
        guard rest.readableBytes > 0 else { return first }
        pieces.insert(rest, at: 0)
        bytes += rest.readableBytes
        return first
    }
}
