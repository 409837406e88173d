import FanfareBench
import FanfareWire
import NIOCore

/// A session of Engine.IO 4: on a WebSocket from the beginning, or by polling until its WebSocket is there. Requests land on any node.
/// Belongs to its event loop.
final class EngineIOWire {
    enum Form {
        case webSocket
        case polling
    }

    enum Event {
        case open
        /// The server's ping, which is answered.
        case ping
        /// What is in a message.
        case message(ByteBuffer)
        /// It has ended, and why.
        case closed(String)
    }

    /// How far it is on its way to a WebSocket.
    private enum Way {
        case polling
        /// The WebSocket has been answered: no more polls; it moves when the last one has its answer, and the last POST.
        case moving
        case moved
    }

    private let form: Form
    private let eventLoop: any EventLoop
    private let port: Int
    private var events: ((Event) -> Void)?
    private var way = Way.polling
    private var address = "/socket.io/?EIO=4&transport="
    private var socket: WebSocketWire?
    /// The poll, or the handshake, that waits for its answer.
    private var poll: AnswerWire?
    private var status = 0
    private var body = ByteBuffer()
    /// Packets on their way by polling; once it moves none begins any more.
    private lazy var posts = OrderedPosts(eventLoop: eventLoop, port: port, taken: 200) { [unowned self] waiting in
        way == .polling && events != nil ? (address, waiting.joined(separator: "\u{1E}")) : nil
    } events: { [unowned self] event in
        switch event {
        case .idle: move()
        case .failed(let reason): end("post: \(reason)")
        }
    }

    init(_ form: Form, eventLoop: any EventLoop, port: Int) {
        (self.form, self.eventLoop, self.port) = (form, eventLoop, port)
    }

    func connect(_ events: @escaping (Event) -> Void) {
        self.events = events
        switch form {
        case .polling: ask()
        case .webSocket:
            way = .moved
            openSocket("") { [weak self] in self?.take($0) }
        }
    }

    /// Sends a message.
    func send(_ message: String) { send(packet: "4" + message) }

    /// Ends it without another event.
    func close(politely: Bool) {
        events = nil
        socket?.close(politely: politely)
        poll?.close()
        posts.close()
    }

    private func end(_ reason: String) {
        let events = self.events
        close(politely: false)
        events?(.closed(reason))
    }

    private func openSocket(_ sid: String, _ heard: @escaping (ByteBuffer) -> Void) {
        let socket = WebSocketWire(address + "websocket" + sid, eventLoop: eventLoop, port: port)
        self.socket = socket
        socket.connect { [weak self, unowned socket] event in
            guard let self, self.socket === socket else { return }
            switch event {
            case .open: if way == .polling { socket.send("2probe") }
            case .message(let packet): heard(packet)
            case .closed(let reason): socketClosed(reason)
            }
        }
    }

    private func take(_ packet: ByteBuffer) {
        var data = packet
        switch data.readInteger(as: UInt8.self) {
        case UInt8(ascii: "0"): opened(data)
        case UInt8(ascii: "1"): end("Engine.IO close")
        case UInt8(ascii: "2"):
            send(packet: "3")
            events?(.ping)
        case UInt8(ascii: "4"): events?(.message(data))
        case UInt8(ascii: "6"): break
        default: end("a packet that is none of Engine.IO")
        }
    }

    private func opened(_ handshake: ByteBuffer) {
        if form == .polling {
            guard let sid = JSONMembers(handshake)?["sid"]?.string else { return end("a handshake without sid") }
            tryWebSocket("&sid=\(sid)")
            address += "polling&sid=\(sid)"
        }
        events?(.open)
    }
}

/// Polls and POSTs.
extension EngineIOWire {
    private func ask() {
        let poll = AnswerWire(eventLoop: eventLoop, port: port)
        self.poll = poll
        (status, body) = (0, ByteBuffer())
        // The handshake has no session yet.
        poll.ask(address.hasSuffix("=") ? address + "polling" : address) { [weak self] event in
            guard let self else { return }
            switch event {
            case .piece(.head(let head)): status = head.status
            case .piece(.body(var part)): body.writeBuffer(&part)
            case .piece(.end): answered()
            case .broken(let reason): end("poll: \(reason)")
            }
        }
    }

    private func answered() {
        poll = nil
        guard status == 200 else { return end("poll \(status)") }
        for packet in body.readableBytesView.split(separator: 0x1E) where events != nil {
            take(ByteBuffer(bytes: packet))
        }
        goOn()
    }

    /// Asks again, or moves.
    private func goOn() {
        guard events != nil, poll == nil else { return }
        switch way {
        case .polling: ask()
        case .moving: move()
        case .moved: break
        }
    }

    private func send(packet: String) {
        if way == .moved { socket?.send(packet) } else { posts.send(packet) }
    }
}

/// The way to a WebSocket, as the official client goes it.
extension EngineIOWire {
    private func tryWebSocket(_ sid: String) {
        openSocket(sid) { [weak self] packet in
            guard let self else { return }
            guard way == .polling else { return take(packet) }
            guard packet.readableBytesView.elementsEqual("3probe".utf8) else {
                return end("a probe that is answered with something else")
            }
            way = .moving
            move()
        }
    }

    private func move() {
        guard way == .moving, poll == nil, !posts.isPosting, let socket else { return }
        way = .moved
        for packet in ["5"] + posts.waiting { socket.send(packet) }
        posts.close()
    }

    /// Without a WebSocket it goes on polling.
    private func socketClosed(_ reason: String) {
        guard way != .moved else { return end(reason) }
        socket = nil
        way = .polling
        posts.next()
        goOn()
    }
}
