/// A way to listen. A new one is a case here, what makes it below, and a file of its own.
package enum ClientKind: String, Sendable, CaseIterable {
    /// The Centrifuge protocol on a WebSocket, as the SDKs speak it; the only kind that publishes, too.
    case webSocket = "websocket"
    /// An event stream, as a browser's `EventSource` reads it.
    case sse
    /// Lines of JSON in an answer without end.
    case stream
    /// Long polling.
    case poll

    var publishes: Bool { self == .webSocket }
}

extension ClientKind {
    /// Makes a client of this kind.
    func make(index: Int, channels: [Int], loop: ChaosLoop) -> any ListeningClient {
        switch self {
        case .webSocket:
            ChaosClient(kind: self, index: index, channels: channels, loop: loop) { [unowned loop] in
                ClientWire(eventLoop: loop.eventLoop, port: loop.port)
            }
        case .sse: ReaderClient(kind: self, index: index, channels: channels, loop: loop, form: .events)
        case .stream: ReaderClient(kind: self, index: index, channels: channels, loop: loop, form: .lines)
        case .poll: ReaderClient(kind: self, index: index, channels: channels, loop: loop, form: .polls)
        }
    }
}
