import FanfareWire
import NIOCore

/// Publishes as a backend does over HTTP: `POST /api/publish` on an admin port, one at a time on each connection, so that
/// a channel's order holds.
struct HTTPDialect: PublishDialect {
    let window = 1
    private let endpoint: Endpoint
    private let plan: BenchPlan
    private var input = ByteBuffer()
    private var answering = firstPublishID

    init(plan: BenchPlan, endpoint: Endpoint) {
        self.plan = plan
        self.endpoint = endpoint
    }

    mutating func opening() -> ByteBuffer? { nil }

    mutating func write(_ stamp: Stamp, id: UInt32, into buffer: inout ByteBuffer) {
        var body = ByteBuffer()
        body.writeStaticString("{\"channel\":")
        JSONWriter.writeString(plan.channelName(stamp.channel), into: &body)
        body.writeStaticString(",\"data\":")
        stamp.writePayload(size: plan.size, into: &body)
        body.writeStaticString("}")
        buffer.writeString(
            """
            POST \(endpoint.path ?? "/api/publish") HTTP/1.1\r
            Host: \(endpoint.authority)\r
            Content-Type: application/json\r
            Content-Length: \(body.readableBytes)\r
            \r

            """)
        buffer.writeImmutableBuffer(body)
    }

    mutating func read(_ bytes: ByteBuffer, _ body: (PublishEvent) -> Void) throws(PublishMistake) {
        input.writeImmutableBuffer(bytes)
        do throws(HTTPAnswer.Mistake) {
            while input.readableBytes > 0, let answer = try HTTPAnswer.read(&input) {
                // Centrifugo says 200 to a command that failed, with the error in the body.
                let isIn = answer.status == 200 && JSONMembers(answer.body)?["error"] == nil
                body(isIn ? .accepted(answering) : .refused(answering, "HTTP \(answer.status) \(answer.excerpt)"))
                answering &+= 1
            }
        } catch {
            throw PublishMistake(description: "\(error)")
        }
        input.discardReadBytes()
    }
}
