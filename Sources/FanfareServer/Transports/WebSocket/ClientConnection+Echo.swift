import FanfareCore
import FanfareWire

/// What a node does with a message in `fanfare echo`, where there is no hub.
extension ClientConnection {
    /// Sends back what came, compressed where the client takes that.
    func echo(_ payload: Payload) {
        let frame = Self.framing.seal(Body(payload))
        guard deflateBits > 0 else { return reply(frame) }
        let threshold = loop.node.configuration.compression.threshold
        reply(WebSocketFrame.deflated(frame, threshold: threshold, windowBits: Int(deflateBits)))
    }
}
