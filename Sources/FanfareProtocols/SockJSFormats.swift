import FanfareWire

/// What clients of SockJS hear: the raw protocol or the Centrifuge protocol in SockJS' frames.
extension WireFormat {
    /// A message of a session whose requests fetch it, with the payload.
    public static let rawSockJS = WireFormat(id: 48)
    /// The same with a push of the Centrifuge client protocol in JSON.
    public static let centrifugeSockJS = WireFormat(id: 49)
    /// A frame over WebSocket with the payload.
    public static let rawSockJSWebSocket = WireFormat(id: 50)
    /// As ``rawSockJSWebSocket``, to clients that take permessage-deflate.
    public static let rawSockJSWebSocketDeflate = WireFormat(id: 51)
    /// A frame over WebSocket with a push of the Centrifuge client protocol in JSON.
    public static let centrifugeSockJSWebSocket = WireFormat(id: 52)
    /// As ``centrifugeSockJSWebSocket``, to clients that take permessage-deflate.
    public static let centrifugeSockJSWebSocketDeflate = WireFormat(id: 53)

    /// What stands behind them.
    static func sockJS(_ deflate: WebSocketDeflateFraming) -> [(WireFormat, FormatDefinition)] {
        let centrifuge = CentrifugeCodec<CentrifugeJSONEncoder>()
        let (session, webSocket) = (SockJSMessageFraming(), SockJSWebSocketFraming())
        return [
            (.rawSockJS, .encoded(RawCodec(), in: session)),
            (.centrifugeSockJS, .encoded(centrifuge, in: session)),
            (.rawSockJSWebSocket, .encoded(RawCodec(), in: webSocket)),
            (.rawSockJSWebSocketDeflate, .derived(from: .rawSockJSWebSocket, deflate.reseal)),
            (.centrifugeSockJSWebSocket, .encoded(centrifuge, in: webSocket)),
            (.centrifugeSockJSWebSocketDeflate, .derived(from: .centrifugeSockJSWebSocket, deflate.reseal)),
        ]
    }
}
