import FanfareBench
import NIOCore

/// What a client says in POSTs, one at a time, so that it stays in order; what comes meanwhile goes with the next. The connection is made
/// when it is needed, and anew where it ended between two of them. Belongs to its event loop.
final class OrderedPosts {
    enum Event {
        /// No POST is under way.
        case idle
        /// One was not taken, or its connection ended before its answer: whether it was begun, nobody says.
        case failed(String)
    }

    private let eventLoop: any EventLoop
    private let port: Int
    /// The status of the answer to a POST that was taken.
    private let taken: Int
    /// The path and body that bring all that waits; `nil`: not now.
    private let request: ([String]) -> (path: String, body: String)?
    private let events: (Event) -> Void
    private var wire: HTTPWire?
    private(set) var isPosting = false
    private(set) var waiting: [String] = []

    init(
        eventLoop: any EventLoop, port: Int, taken: Int, request: @escaping ([String]) -> (path: String, body: String)?,
        events: @escaping (Event) -> Void
    ) {
        (self.eventLoop, self.port, self.taken) = (eventLoop, port, taken)
        (self.request, self.events) = (request, events)
    }

    func send(_ text: String) {
        waiting.append(text)
        next()
    }

    /// Begins a POST where something waits and none is under way.
    func next() {
        guard !isPosting, !waiting.isEmpty, let request = request(waiting) else { return }
        isPosting = true
        guard let wire, wire.isOpen else { return connect() }
        waiting = []
        wire.post(request.path, request.body)
    }

    /// Ends it without another event. What waits is the caller's.
    func close() {
        wire?.close()
        wire = nil
        waiting = []
    }

    private func connect() {
        let wire = HTTPWire(eventLoop: eventLoop, port: port)
        self.wire = wire
        wire.connect { [weak self] event in
            guard let self, self.wire === wire else { return }
            switch event {
            case .open: ended()
            case .answer(let answer): answer.status == taken ? ended() : events(.failed("\(answer.status)"))
            case .closed:
                self.wire = nil
                if isPosting { events(.failed("closed")) }
            }
        }
    }

    private func ended() {
        isPosting = false
        events(.idle)
        next()
    }
}
