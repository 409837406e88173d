import NIOCore

/// How a reader asks for a channel, and what it is told.
enum ReaderForm {
    /// An event stream, with `Last-Event-ID`.
    case events
    /// Lines of JSON without end, with `?since=`.
    case lines
    /// The same, one answer after the other.
    case polls

    /// How long a poll waits; short, so that many polls meet a fault between two answers.
    static let pollWait = Duration.seconds(2)

    /// Whether an answer goes on for as long as it can.
    var isEndless: Bool { self != .polls }

    /// The address and the fields of a request.
    ///
    /// - Parameters:
    ///   - position: where the reader is; `nil`: it comes for the first time.
    ///   - waits: whether a poll shall wait for something to come.
    func request(
        _ channel: String, at position: Judge.Position?, waits: Bool
    ) -> (path: String, fields: [String: String]) {
        switch self {
        case .events:
            var fields = ["Accept": "text/event-stream"]
            fields["Last-Event-ID"] = position.map { "\($0)" }
            return ("/channels/\(channel)/sse", fields)
        case .lines:
            return ("/channels/\(channel)/stream" + (position.map { "?since=\($0)" } ?? ""), [:])
        case .polls:
            let wait = waits ? Self.pollWait.milliseconds : 0
            return ("/channels/\(channel)/poll?wait=\(wait)ms" + (position.map { "&since=\($0)" } ?? ""), [:])
        }
    }

    /// What reads the body of the answer.
    func makeBody() -> any ReaderBody {
        switch self {
        case .events: EventBody()
        case .lines, .polls: LineBody()
        }
    }
}

/// What a body says.
enum ReaderEvent {
    /// Where a stream begins.
    case position(Judge.Position?)
    /// What was missed can't be had, and where the reader begins anew.
    case reset(Judge.Position?)
    /// A publication's text as it was published, and its place.
    case publication(ByteBuffer, Judge.Position?)
    /// The node ends the stream, with this code.
    case disconnect(UInt32)
    /// What no node should say.
    case foreign(String)
}

/// Reads a body that comes in parts cut anywhere. Pure; has its own eyes, none of the node's code.
protocol ReaderBody {
    mutating func read(_ part: ByteBuffer) -> [ReaderEvent]
}

extension Judge.Position {
    /// `<offset>.<epoch>`.
    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", maxSplits: 1)
        guard parts.count == 2, let offset = UInt64(parts[0]) else { return nil }
        self.init(epoch: String(parts[1]), offset: offset)
    }
}

/// Lines that end with LF, in parts cut anywhere.
struct LineCutter {
    private var held = ByteBuffer()

    mutating func lines(_ part: ByteBuffer) -> [ByteBuffer] {
        held.writeImmutableBuffer(part)
        var lines: [ByteBuffer] = []
        while let end = held.readableBytesView.firstIndex(of: UInt8(ascii: "\n")),
            let line = held.readSlice(length: end - held.readerIndex)
        {
            held.moveReaderIndex(forwardBy: 1)
            lines.append(line)
        }
        held.discardReadBytes()
        return lines
    }
}
