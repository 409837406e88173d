/// What a client speaks, as the label `protocol` says it.
public enum ProtocolName: Int, CaseIterable, Sendable {
    /// Payloads on one channel, or on those that a stream names.
    case raw
    /// The Centrifuge protocol in JSON.
    case centrifugeJSON
    /// The same in Protobuf.
    case centrifugeProtobuf
    /// Server to client only, as the Centrifuge protocol has it.
    case centrifugeUnidirectional
    /// Socket.IO 5.
    case socketIO
    /// STOMP, in any version.
    case stomp
    /// MQTT, in any version.
    case mqtt
    /// GraphQL, in either subprotocol.
    case graphQL
    /// `fanfare echo`.
    case echo

    /// The value of the `protocol` label.
    public var label: String {
        switch self {
        case .raw: "raw"
        case .centrifugeJSON: "centrifuge_json"
        case .centrifugeProtobuf: "centrifuge_protobuf"
        case .centrifugeUnidirectional: "centrifuge_uni"
        case .socketIO: "socketio"
        case .stomp: "stomp"
        case .mqtt: "mqtt"
        case .graphQL: "graphql"
        case .echo: "echo"
        }
    }

    /// Over what it may be spoken.
    public var transports: [TransportName] {
        switch self {
        case .raw: [.webSocket, .sse, .httpStream, .poll, .pollCursor] + TransportName.sockJS
        case .centrifugeJSON: [.webSocket, .sse, .httpStream] + TransportName.sockJS
        case .centrifugeProtobuf: [.webSocket, .httpStream]
        case .centrifugeUnidirectional: [.webSocket, .sse, .httpStream]
        case .socketIO: TransportName.engineIO
        case .stomp: [.webSocket] + TransportName.sockJS
        case .mqtt, .graphQL: [.webSocket]
        case .echo: [.webSocket] + TransportName.sockJS + TransportName.engineIO
        }
    }
}

/// What carries a client, as the label `transport` says it.
public enum TransportName: Int, CaseIterable, Sendable {
    /// A WebSocket with nothing around its messages.
    case webSocket
    /// An event stream; of the Centrifuge protocol, with commands in requests of their own.
    case sse
    /// A stream of lines, or of Protobuf; the same.
    case httpStream
    /// A long poll that waits, or whose answer is on its way.
    case poll
    /// What is kept for a poller between two polls; a poll of it that waits is one more.
    case pollCursor
    /// SockJS on a WebSocket.
    case sockJSWebSocket
    /// A session of SockJS that was opened by polling. As of the others over HTTP, the request that opened it says what it is.
    case sockJSXHR
    /// One that an answer without end opened.
    case sockJSXHRStreaming
    /// One that an event stream opened.
    case sockJSEventSource
    /// One that a page in a frame opened.
    case sockJSHTMLFile
    /// One that a script opened.
    case sockJSJSONP
    /// Engine.IO on a WebSocket, from the beginning or since it moved there.
    case engineIOWebSocket
    /// Engine.IO by polling.
    case engineIOPolling

    /// The value of the `transport` label.
    public var label: String {
        switch self {
        case .webSocket: "websocket"
        case .sse: "sse"
        case .httpStream: "http_stream"
        case .poll: "poll"
        case .pollCursor: "poll_cursor"
        case .sockJSWebSocket: "sockjs_websocket"
        case .sockJSXHR: "sockjs_xhr"
        case .sockJSXHRStreaming: "sockjs_xhr_streaming"
        case .sockJSEventSource: "sockjs_eventsource"
        case .sockJSHTMLFile: "sockjs_htmlfile"
        case .sockJSJSONP: "sockjs_jsonp"
        case .engineIOWebSocket: "engineio_websocket"
        case .engineIOPolling: "engineio_polling"
        }
    }

    static let sockJS: [TransportName] = [
        .sockJSWebSocket, .sockJSXHR, .sockJSXHRStreaming, .sockJSEventSource, .sockJSHTMLFile, .sockJSJSONP,
    ]
    static let engineIO: [TransportName] = [.engineIOWebSocket, .engineIOPolling]
}

/// A protocol over a transport: by what clients are counted. One byte, for every client has it.
public struct ClientKind: RawRepresentable, CaseIterable, Hashable, Sendable {
    private let index: UInt8

    public var rawValue: Int { Int(index) }

    public init(rawValue: Int) { index = UInt8(rawValue) }

    public init(_ name: ProtocolName, over transport: TransportName) {
        self.init(rawValue: name.rawValue * TransportName.allCases.count + transport.rawValue)
    }

    /// All that could be counted.
    public static let allCases = ProtocolName.allCases.flatMap { name in
        TransportName.allCases.map { ClientKind(name, over: $0) }
    }

    /// All that a node has: what a scrape shows.
    public static let served = ProtocolName.allCases.flatMap { name in
        name.transports.map { (name, $0, ClientKind(name, over: $0)) }
    }
}
