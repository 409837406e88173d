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
        let webSocket = WebSocketFraming()
        let deflate = WebSocketDeflateFraming(threshold: compressionThreshold)
        return [
            (.rawWebSocket, .encoded(RawCodec(), in: webSocket)),
            (.rawWebSocketDeflate, .derived(from: .rawWebSocket, deflate.reseal)),
            (.centrifugeJSONWebSocket, .encoded(CentrifugeJSONCodec(), in: webSocket)),
            (.centrifugeJSONWebSocketDeflate, .derived(from: .centrifugeJSONWebSocket, deflate.reseal)),
        ]
    }
}
