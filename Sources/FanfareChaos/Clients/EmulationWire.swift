import FanfareBench
import FanfareWire
import NIOCore

/// A session without a WebSocket (emulation): the node's messages come on one answer, commands go in requests that land on any node.
final class EmulationWire: SessionWire {
    enum Form {
        case events
        case lines
    }

    private let form: Form
    private let eventLoop: any EventLoop
    private let port: Int
    private var events: ((SessionEvent) -> Void)?
    /// The answer with the node's messages; `nil` before the first command.
    private var stream: AnswerWire?
    private var isAnswered = false
    private var eventBody = EventBody()
    private var lines = LineCutter()
    private var session: String?
    /// Commands, as one message would have them. What becomes of one that was not taken for sure, the session can't say: it begins anew.
    private lazy var posts = OrderedPosts(eventLoop: eventLoop, port: port, taken: 204) { [unowned self] waiting in
        let commands = waiting.map { $0.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") }
        let data = commands.joined(separator: "\\n")
        return session.map { ("/emulation", "{\"session\":\"\($0)\",\"data\":\"\(data)\"}") }
    } events: { [unowned self] event in
        if case .failed(let reason) = event { end("emulation: \(reason)") }
    }

    init(_ form: Form, eventLoop: any EventLoop, port: Int) {
        (self.form, self.eventLoop, self.port) = (form, eventLoop, port)
    }

    /// The first command opens the stream.
    func connect(_ events: @escaping (SessionEvent) -> Void) {
        self.events = events
        events(.open)
    }

    func send(_ command: String) {
        guard stream != nil else { return open(with: command) }
        guard session != nil else { return end("commands before there is a session") }
        posts.send(command)
    }

    func close(politely: Bool) {
        events = nil
        stream?.close()
        posts.close()
    }

    private func open(with command: String) {
        let stream = AnswerWire(eventLoop: eventLoop, port: port)
        self.stream = stream
        let take: (AnswerWire.Event) -> Void = { [weak self] in self?.take($0) }
        switch form {
        case .lines: stream.ask("/connection/http_stream", ["Accept": "*/*"], body: command, take)
        case .events:
            let query = command.utf8.map { "%" + Hex.byte($0) }.joined()
            stream.ask("/connection/sse?cf_connect=\(query)", ["Accept": "*/*"], take)
        }
    }

    private func take(_ event: AnswerWire.Event) {
        switch event {
        case .piece(.head(let head)):
            isAnswered = head.status == 200
            if !isAnswered { end("HTTP \(head.status)") }
        case .piece(.body(let part)) where isAnswered: read(part)
        case .piece(.body): break
        case .piece(.end): end("the answer has ended")
        case .broken(let reason): end(reason)
        }
    }

    private func read(_ part: ByteBuffer) {
        switch form {
        case .lines: for line in lines.lines(part) { heard(line) }
        case .events:
            for event in eventBody.read(part) {
                if case .publication(let data, _) = event { heard(data) } else { events?(.message(.other)) }
            }
        }
    }

    private func heard(_ text: ByteBuffer) {
        let message = CentrifugeMessage(text)
        if case .connected(_, let session) = message { self.session = session }
        events?(.message(message))
    }

    private func end(_ reason: String) {
        let events = self.events
        self.events = nil
        stream?.close()
        posts.close()
        events?(.closed(reason))
    }
}

/// Bytes in an address.
private enum Hex {
    static func byte(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16)
        return digits.utf8.count == 1 ? "0" + digits : digits
    }
}
