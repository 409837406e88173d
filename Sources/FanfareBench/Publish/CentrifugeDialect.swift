import FanfareWire
import NIOCore

/// Publishes as a Centrifuge client: one connection serves many channels, in whatever protocol they are heard.
struct CentrifugeDialect: PublishDialect {
    // A node stops to read a client with 256 publishes under way (`--max-pending-commands`); then its pings would go
    // unanswered too.
    let window = 200
    private let endpoint: Endpoint
    private let plan: BenchPlan
    private var head: ByteBuffer? = ByteBuffer()
    // Replies are small, but a server may say several in one frame.
    private var walker = FrameWalker(maxFrameBytes: 262_144)

    init(plan: BenchPlan, endpoint: Endpoint) {
        self.plan = plan
        self.endpoint = endpoint
    }

    mutating func opening() -> ByteBuffer? {
        Upgrade.request(endpoint, path: endpoint.path ?? BenchPlan.centrifugePath)
    }

    mutating func write(_ stamp: Stamp, id: UInt32, into buffer: inout ByteBuffer) {
        ClientFrame.write(.text, into: &buffer) { text in
            text.writeString("{\"id\":\(id),\"publish\":{\"channel\":")
            JSONWriter.writeString(plan.channelName(stamp.channel), into: &text)
            text.writeStaticString(",\"data\":")
            stamp.writePayload(size: plan.size, into: &text)
            text.writeStaticString("}}")
        }
    }

    mutating func read(_ bytes: ByteBuffer, _ body: (PublishEvent) -> Void) throws(PublishMistake) {
        guard var head else { return try walk(bytes, body) }
        head.writeImmutableBuffer(bytes)
        let outcome: Upgrade.Outcome
        do throws(HTTPAnswer.Mistake) {
            outcome = try Upgrade.read(&head)
        } catch {
            throw PublishMistake(description: "\(error)")
        }
        switch outcome {
        case .incomplete: self.head = head
        case .refused(let answer): throw PublishMistake(description: "HTTP \(answer.status): \(answer.excerpt)")
        case .open:
            self.head = nil
            body(.send(CentrifugeText.connect))
            if head.readableBytes > 0 { try walk(head, body) }
        }
    }

    private mutating func walk(_ bytes: ByteBuffer, _ body: (PublishEvent) -> Void) throws(PublishMistake) {
        var end: PublishMistake?
        do throws(FrameWalker.Mistake) {
            try walker.walk(bytes) { kind, payload in
                switch kind {
                case .text, .binary: end = end ?? Self.message(payload, body)
                case .ping:
                    var pong = ByteBuffer()
                    ClientFrame.write(.pong, payload, into: &pong)
                    body(.send(pong))
                case .pong: break
                case .close: end = PublishMistake(description: CloseText.describe(payload))
                }
            }
        } catch {
            throw PublishMistake(description: "\(error)")
        }
        if let end { throw end }
    }

    private static func message(_ payload: UnsafeRawBufferPointer, _ body: (PublishEvent) -> Void) -> PublishMistake? {
        if CentrifugeText.isPing(payload) {
            body(.send(CentrifugeText.pong))
            return nil
        }
        for line in payload.split(separator: UInt8(ascii: "\n")) {
            switch CentrifugeText.reply(UnsafeRawBufferPointer(rebasing: line)) {
            case .none: break
            case .success(CentrifugeText.connectID): body(.ready)
            case .success(let id): body(.accepted(id))
            case .failure(CentrifugeText.connectID, let code, let text):
                return PublishMistake(description: "connect was answered with error \(code): \(text)")
            case .failure(let id, let code, let text): body(.refused(id, "error \(code) \(text)"))
            }
        }
        return nil
    }
}
