import NIOCore

extension WireFormat {
    /// A WebSocket message that is the payload itself.
    public static let rawWebSocket = WireFormat(id: 0)
    /// As ``rawWebSocket``, to clients that take permessage-deflate.
    public static let rawWebSocketDeflate = WireFormat(id: 1)
    /// A WebSocket text message with a push of the Centrifuge client protocol in JSON.
    public static let centrifugeJSONWebSocket = WireFormat(id: 2)
    /// As ``centrifugeJSONWebSocket``, to clients that take permessage-deflate.
    public static let centrifugeJSONWebSocketDeflate = WireFormat(id: 3)
}

extension FormatTable {
    /// The formats without parameters: a name above and an entry here.
    static func builtIn(compressionThreshold: Int) -> [(WireFormat, FormatDefinition)] {
        let deflate: @Sendable (ByteBuffer) -> ByteBuffer? = {
            $0.readableBytes < compressionThreshold
                ? nil : WebSocketFrame.deflated($0, threshold: compressionThreshold)
        }
        return [
            (.rawWebSocket, .encoded(FormatEncoder(publication: RawEncoder.frame))),
            (.rawWebSocketDeflate, .derived(from: .rawWebSocket, deflate)),
            (
                .centrifugeJSONWebSocket,
                .encoded(
                    FormatEncoder(
                        publication: CentrifugeJSONEncoder.publicationFrame,
                        presence: CentrifugeJSONEncoder.presenceFrame))
            ),
            (.centrifugeJSONWebSocketDeflate, .derived(from: .centrifugeJSONWebSocket, deflate)),
        ]
    }
}
