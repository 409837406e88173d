import FanfareWire

extension WireFormat {
    /// A WebSocket message that is the payload itself.
    public static let rawWebSocket = WireFormat(id: 0)
    /// As ``rawWebSocket``, to clients that take permessage-deflate.
    public static let rawWebSocketDeflate = WireFormat(id: 1)
    /// A WebSocket text message with a push of the Centrifuge client protocol in JSON.
    public static let centrifugeJSONWebSocket = WireFormat(id: 2)
    /// As ``centrifugeJSONWebSocket``, to clients that take permessage-deflate.
    public static let centrifugeJSONWebSocketDeflate = WireFormat(id: 3)
    /// An event of an event stream with the payload, over HTTP/1.0 or HTTP/2.
    public static let rawEventStream = WireFormat(id: 4)
    /// As ``rawEventStream``, over HTTP/1.1.
    public static let rawEventStreamChunked = WireFormat(id: 5)
    /// A line of JSON with the payload, over HTTP/1.0 or HTTP/2.
    public static let rawHTTPStream = WireFormat(id: 6)
    /// As ``rawHTTPStream``, over HTTP/1.1.
    public static let rawHTTPStreamChunked = WireFormat(id: 7)
    /// A WebSocket binary message with a push of the Centrifuge client protocol in Protobuf.
    public static let centrifugeProtobufWebSocket = WireFormat(id: 8)
    /// As ``centrifugeProtobufWebSocket``, to clients that take permessage-deflate.
    public static let centrifugeProtobufWebSocketDeflate = WireFormat(id: 9)
}

extension FormatTable {
    /// A node's table with the formats that have no parameters: a name above and an entry here.
    ///
    /// - Parameter compressionThreshold: bytes of a frame from which formats with compression compress; `.max`: never.
    public convenience init(compressionThreshold: Int = .max) {
        let webSocket = WebSocketFraming()
        let deflate = WebSocketDeflateFraming(threshold: compressionThreshold)
        let (events, lines) = (EventStreamFraming(), HTTPStreamFraming())
        self.init(
            WireFormat.channelStreams + WireFormat.socketIOFormats + WireFormat.stompFormats
                + WireFormat.mqttFormats + WireFormat.graphQLFormats + [
                    (.rawWebSocket, .encoded(RawCodec(), in: webSocket)),
                    (.rawWebSocketDeflate, .derived(from: .rawWebSocket, deflate.reseal)),
                    (.centrifugeJSONWebSocket, .encoded(CentrifugeCodec<CentrifugeJSONEncoder>(), in: webSocket)),
                    (.centrifugeJSONWebSocketDeflate, .derived(from: .centrifugeJSONWebSocket, deflate.reseal)),
                    (.rawEventStream, .encoded(RawCodec(), in: events)),
                    (.rawEventStreamChunked, .encoded(RawCodec(), in: ChunkedFraming(events))),
                    (.rawHTTPStream, .encoded(RawCodec(), in: lines)),
                    (.rawHTTPStreamChunked, .encoded(RawCodec(), in: ChunkedFraming(lines))),
                    (
                        .centrifugeProtobufWebSocket,
                        .encoded(CentrifugeCodec<CentrifugeProtobufEncoder>(), in: webSocket)
                    ),
                    (.centrifugeProtobufWebSocketDeflate, .derived(from: .centrifugeProtobufWebSocket, deflate.reseal)),
                ] + WireFormat.centrifugeStreams + WireFormat.unidirectional(deflate) + WireFormat.sockJS(deflate),
            compressionThreshold: compressionThreshold)
    }
}
