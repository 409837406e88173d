import FanfareCore
import FanfareWire

/// What a node does with a message in `fanfare echo`, where there is no hub.
extension ClientConnection {
    /// Sends back what came, by the encoder of the raw protocol, compressed where the client takes that.
    func echo(_ payload: Payload) {
        let frame = loop.node.formats.encode(Publication(channel: .echo, payload: payload), wireFormat)
        guard deflateBits > 0 else { return reply(frame) }
        let threshold = loop.node.configuration.compression.threshold
        reply(WebSocketFrame.deflated(frame, threshold: threshold, windowBits: Int(deflateBits)))
    }
}

extension ChannelName {
    /// Where an echo would be published, for the encoder's sake.
    fileprivate static let echo: ChannelName = {
        guard let name = try? ChannelName("echo") else { preconditionFailure("a name by all rules") }
        return name
    }()
}
