import FanfareWire
import NIOCore

/// Bodies of requests that came for a session, in their order. Messages are taken out of them one at a time, so that what waits is
/// what came.
struct SessionInbox {
    typealias Answer = (SessionOutcome) -> Void

    /// Those of which something is left, and who waits for that.
    private var bodies = CircularBuffer<(bytes: ByteBuffer, answer: Answer, isUntouched: Bool)>()
    /// Bytes that are left.
    private var bytes = 0
    /// Who is to hear that all of theirs is taken.
    private var taken: [Answer] = []
    /// Bodies that had no message.
    private var empty = 0

    var isEmpty: Bool { bodies.isEmpty }

    /// Adds one. Returns whether there was room; one is never too large.
    mutating func add(_ body: ByteBuffer, limit: Int, _ answer: @escaping Answer) -> Bool {
        guard bodies.count < SessionBounds.bodies, bodies.isEmpty || bytes + body.readableBytes <= limit else {
            return false
        }
        bodies.append((body, answer, true))
        bytes += body.readableBytes
        return true
    }

    /// Takes the next message.
    mutating func next(_ form: some SessionForm) -> Payload? {
        while let (waiting, answer, isUntouched) = bodies.popFirst() {
            var body = waiting
            bytes -= body.readableBytes
            guard let message = form.next(in: &body) else {
                taken.append(answer)
                if isUntouched { empty += 1 }
                continue
            }
            bytes += body.readableBytes
            bodies.prepend((body, answer, false))
            return message
        }
        return nil
    }

    /// How many bodies without a message were taken since the last time.
    mutating func takeEmpty() -> Int {
        defer { empty = 0 }
        return empty
    }

    /// Tells those whose bodies are taken.
    mutating func answerTaken() {
        guard !taken.isEmpty else { return }
        let answers = taken
        taken = []
        for answer in answers { answer(.taken) }
    }

    /// The session has ended: nobody needs what is left.
    mutating func close() {
        let answers = taken + bodies.map { $0.answer }
        (taken, bodies, bytes) = ([], [], 0)
        for answer in answers { answer(.taken) }
    }
}
