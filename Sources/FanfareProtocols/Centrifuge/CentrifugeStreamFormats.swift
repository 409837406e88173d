import FanfareWire

extension WireFormat {
    /// An event with a push of the Centrifuge client protocol in JSON, over HTTP/1.0 or HTTP/2.
    public static let centrifugeEventStream = WireFormat(id: 24)
    /// As ``centrifugeEventStream``, over HTTP/1.1.
    public static let centrifugeEventStreamChunked = WireFormat(id: 25)
    /// A line with a push, over HTTP/1.0 or HTTP/2.
    public static let centrifugeHTTPStream = WireFormat(id: 26)
    /// As ``centrifugeHTTPStream``, over HTTP/1.1.
    public static let centrifugeHTTPStreamChunked = WireFormat(id: 27)
    /// As ``centrifugeEventStream``, to clients that only hear.
    public static let unidirectionalEventStream = WireFormat(id: 28)
    /// As ``unidirectionalEventStream``, over HTTP/1.1.
    public static let unidirectionalEventStreamChunked = WireFormat(id: 29)
    /// As ``centrifugeHTTPStream``, to clients that only hear.
    public static let unidirectionalHTTPStream = WireFormat(id: 30)
    /// As ``unidirectionalHTTPStream``, over HTTP/1.1.
    public static let unidirectionalHTTPStreamChunked = WireFormat(id: 31)
    /// A WebSocket text message with a push to clients that only hear.
    public static let unidirectionalWebSocket = WireFormat(id: 32)
    /// As ``unidirectionalWebSocket``, to clients that take permessage-deflate.
    public static let unidirectionalWebSocketDeflate = WireFormat(id: 33)
    /// A push in Protobuf behind its length, over HTTP/1.0 or HTTP/2.
    public static let centrifugeProtobufHTTPStream = WireFormat(id: 34)
    /// As ``centrifugeProtobufHTTPStream``, over HTTP/1.1.
    public static let centrifugeProtobufHTTPStreamChunked = WireFormat(id: 35)

    /// The formats of clients that hear a stream and send requests (emulation).
    static let centrifugeStreams: [(WireFormat, FormatDefinition)] =
        streams(
            CentrifugeCodec<CentrifugeJSONEncoder>(), .centrifugeEventStream, .centrifugeEventStreamChunked,
            .centrifugeHTTPStream, .centrifugeHTTPStreamChunked) + [
            (
                .centrifugeProtobufHTTPStream,
                .encoded(CentrifugeCodec<CentrifugeProtobufEncoder>(), in: LengthFraming())
            ),
            (
                .centrifugeProtobufHTTPStreamChunked,
                .encoded(CentrifugeCodec<CentrifugeProtobufEncoder>(), in: ChunkedFraming(LengthFraming()))
            ),
        ]

    /// The formats of clients that only hear.
    static func unidirectional(_ deflate: WebSocketDeflateFraming) -> [(WireFormat, FormatDefinition)] {
        let codec = UnidirectionalJSONCodec()
        return [
            (.unidirectionalWebSocket, .encoded(codec, in: WebSocketFraming())),
            (.unidirectionalWebSocketDeflate, .derived(from: .unidirectionalWebSocket, deflate.reseal)),
        ]
            + streams(
                codec, .unidirectionalEventStream, .unidirectionalEventStreamChunked, .unidirectionalHTTPStream,
                .unidirectionalHTTPStreamChunked)
    }

    /// Positions are told in the messages, for a client has many channels.
    private static func streams(
        _ codec: some Codec, _ events: WireFormat, _ chunkedEvents: WireFormat, _ lines: WireFormat,
        _ chunkedLines: WireFormat
    ) -> [(WireFormat, FormatDefinition)] {
        let (eventFraming, lineFraming) = (UnpositionedFraming(EventStreamFraming()), LineFraming())
        return [
            (events, .encoded(codec, in: eventFraming)),
            (chunkedEvents, .encoded(codec, in: ChunkedFraming(eventFraming))),
            (lines, .encoded(codec, in: lineFraming)),
            (chunkedLines, .encoded(codec, in: ChunkedFraming(lineFraming))),
        ]
    }
}

/// The Centrifuge client protocol in JSON, to clients that only hear.
struct UnidirectionalJSONCodec: Codec {
    func body(_ publication: Publication) -> Body {
        CentrifugeJSONEncoder.bare(CentrifugeJSONEncoder.publicationPush(publication))
    }

    func body(_ event: PresenceEvent) -> Body? { CentrifugeJSONEncoder.bare(CentrifugeJSONEncoder.presencePush(event)) }
}
