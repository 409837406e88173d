/// A way to listen. A new one is a case here, what makes it below, and a file of its own.
package enum ClientKind: String, Sendable, CaseIterable {
    /// The Centrifuge protocol on a WebSocket, as the SDKs speak it.
    case webSocket = "websocket"
    /// The same as lines of an answer without end, with commands in requests that any node takes.
    case httpStream = "http_stream"
    /// The same as events.
    case emulatedEvents = "emulated_sse"
    /// The Centrifuge protocol within SockJS, on a WebSocket.
    case sockJS = "sockjs"
    /// The same over HTTP: an answer that goes on, and messages in requests that any node takes.
    case sockJSStreaming = "sockjs_streaming"
    /// Socket.IO on a WebSocket.
    case socketIO = "socketio"
    /// The same by polling, until its WebSocket is there.
    case socketIOPolling = "socketio_polling"
    /// An event stream, as a browser's `EventSource` reads it.
    case sse
    /// Lines of JSON in an answer without end.
    case stream
    /// Long polling.
    case poll

    /// Whether it can publish, too: whoever has commands.
    var publishes: Bool {
        switch self {
        case .webSocket, .httpStream, .emulatedEvents, .sockJS, .sockJSStreaming, .socketIO, .socketIOPolling: true
        case .sse, .stream, .poll: false
        }
    }
}

extension ClientKind {
    /// Makes a client of this kind.
    func make(index: Int, channels: [Int], loop: ChaosLoop) -> any ListeningClient {
        switch self {
        case .webSocket:
            ChaosClient(kind: self, index: index, channels: channels, loop: loop) { [unowned loop] in
                ClientWire(eventLoop: loop.eventLoop, port: loop.port)
            }
        case .httpStream, .emulatedEvents:
            ChaosClient(kind: self, index: index, channels: channels, loop: loop) { [unowned loop, self] in
                EmulationWire(self == .httpStream ? .lines : .events, eventLoop: loop.eventLoop, port: loop.port)
            }
        case .sockJS, .sockJSStreaming:
            ChaosClient(kind: self, index: index, channels: channels, loop: loop) { [unowned loop, self] in
                SockJSWire(self == .sockJS ? .webSocket : .streaming, eventLoop: loop.eventLoop, port: loop.port)
            }
        case .socketIO, .socketIOPolling:
            SocketIOClient(
                kind: self, index: index, channels: channels, loop: loop,
                form: self == .socketIO ? .webSocket : .polling)
        case .sse: ReaderClient(kind: self, index: index, channels: channels, loop: loop, form: .events)
        case .stream: ReaderClient(kind: self, index: index, channels: channels, loop: loop, form: .lines)
        case .poll: ReaderClient(kind: self, index: index, channels: channels, loop: loop, form: .polls)
        }
    }
}
