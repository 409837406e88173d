import FanfareBench
import FanfareWire
import NIOCore

/// A session of the Centrifuge protocol within SockJS: on a WebSocket, or over HTTP, with answers that go on and requests that land on
/// any node.
final class SockJSWire: SessionWire {
    enum Form {
        case webSocket
        case streaming
    }

    private let form: Form
    private let eventLoop: any EventLoop
    private let port: Int
    private let path = "/sockjs/centrifuge/000/\(String(UInt64.random(in: 0...UInt64.max), radix: 36))"
    private var events: ((SessionEvent) -> Void)?
    private var socket: WebSocketWire?
    /// The answer that goes on.
    private var stream: AnswerWire?
    private var lines = LineCutter()
    /// Whether the session is open.
    private var isOpen = false
    /// Whether this answer has brought a frame.
    private var hasFrame = false
    /// Messages. Whether one that was not taken for sure was begun, nobody says: the client begins anew.
    private lazy var posts = OrderedPosts(eventLoop: eventLoop, port: port, taken: 204) { [unowned self] waiting in
        (path + "/xhr_send", "[\(waiting.joined(separator: ","))]")
    } events: { [unowned self] event in
        if case .failed(let reason) = event { end("xhr_send: \(reason)") }
    }

    init(_ form: Form, eventLoop: any EventLoop, port: Int) {
        (self.form, self.eventLoop, self.port) = (form, eventLoop, port)
    }

    func connect(_ events: @escaping (SessionEvent) -> Void) {
        self.events = events
        switch form {
        case .streaming: ask()
        case .webSocket:
            let socket = WebSocketWire(path + "/websocket", eventLoop: eventLoop, port: port)
            self.socket = socket
            socket.connect { [weak self] event in
                switch event {
                case .open: break
                case .message(let frame): self?.take(frame)
                case .closed(let reason): self?.end(reason)
                }
            }
        }
    }

    func send(_ command: String) {
        let text = command.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        if let socket { return socket.send("[\"\(text)\"]") }
        posts.send("\"\(text)\"")
    }

    /// SockJS has no farewell over HTTP: the session goes with the answer that its client gives up.
    func close(politely: Bool) {
        events = nil
        socket?.close(politely: politely)
        stream?.close()
        posts.close()
    }

    // MARK: Receiving

    /// Asks for frames; again where an answer is as long as it may be. The session stays meanwhile.
    private func ask() {
        let stream = AnswerWire(eventLoop: eventLoop, port: port)
        self.stream = stream
        (lines, hasFrame) = (LineCutter(), false)
        stream.ask(path + "/xhr_streaming", body: "") { [weak self] event in
            switch event {
            case .piece(.head(let head)): if head.status != 200 { self?.end("HTTP \(head.status)") }
            case .piece(.body(let part)): self?.read(part)
            case .piece(.end): self?.answerEnded()
            case .broken(let reason): self?.end(reason)
            }
        }
    }

    private func read(_ part: ByteBuffer) {
        for line in lines.lines(part) where events != nil { take(line) }
    }

    private func answerEnded() {
        guard events != nil else { return }
        guard isOpen, hasFrame else { return end("an answer without a frame") }
        ask()
    }

    /// A frame came. Those with `h` are signs of life, of which the protocol within has its own, and what stands before the first.
    private func take(_ frame: ByteBuffer) {
        switch frame.readableBytesView.first {
        case UInt8(ascii: "o"):
            // Another session of the same name.
            guard !isOpen else { return end("SockJS lost its session") }
            (isOpen, hasFrame) = (true, true)
            events?(.open)
        case UInt8(ascii: "a"):
            hasFrame = true
            for message in Self.strings(frame) ?? [] {
                for line in message.split(separator: "\n") {
                    events?(.message(CentrifugeMessage(ByteBuffer(substring: line))))
                }
            }
        case UInt8(ascii: "c"): end("SockJS \(String(buffer: frame).prefix(6).dropFirst(2))")
        case UInt8(ascii: "h"): break
        default: events?(.message(.other))
        }
    }

    /// The strings of `a["…",…]`.
    private static func strings(_ frame: ByteBuffer) -> [String]? {
        var text = ByteBuffer(string: "{\"a\":")
        text.writeBytes(frame.readableBytesView.dropFirst())
        text.writeString("}")
        return JSONMembers(text)?["a"]?.elements?.compactMap(\.string)
    }

    private func end(_ reason: String) {
        let events = self.events
        close(politely: false)
        events?(.closed(reason))
    }
}
