import FanfareWire
import NIOCore

/// A session on a WebSocket: a line is a message.
final class ClientWire: SessionWire {
    private let socket: WebSocketWire
    private var events: ((SessionEvent) -> Void)?

    init(eventLoop: any EventLoop, port: Int) {
        socket = WebSocketWire("/connection/websocket", eventLoop: eventLoop, port: port)
    }

    func connect(_ events: @escaping (SessionEvent) -> Void) {
        self.events = events
        socket.connect { [weak self] event in
            switch event {
            case .open: self?.events?(.open)
            case .message(let message): self?.heard(message)
            case .closed(let reason): self?.events?(.closed(reason))
            }
        }
    }

    func send(_ command: String) { socket.send(command) }

    func close(politely: Bool) {
        events = nil
        socket.close(politely: politely)
    }

    private func heard(_ message: ByteBuffer) {
        for line in message.readableBytesView.split(separator: UInt8(ascii: "\n")) {
            events?(.message(CentrifugeMessage(ByteBuffer(bytes: line))))
        }
    }
}
