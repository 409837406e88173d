import FanfareRedis
import NIOCore

/// Publishes as a backend does in Redis: plain `PUBLISH`, pipelined on one connection.
struct RedisDialect: PublishDialect {
    let window = 1_000
    /// Longest line that Redis answers here.
    private static let maxLineBytes = 4_096

    private let redis: RedisConfiguration
    private let plan: BenchPlan
    private var input = ByteBuffer()
    /// Answers to what was said first that must still come.
    private var openingAnswers = 0
    private var answering = firstPublishID

    init(plan: BenchPlan, redis: RedisConfiguration) {
        self.plan = plan
        self.redis = redis
    }

    mutating func opening() -> ByteBuffer? {
        var buffer = ByteBuffer()
        if let password = redis.password {
            Self.write(["AUTH"] + (redis.user.map { [$0] } ?? []) + [password], into: &buffer)
            openingAnswers += 1
        }
        // The last answer shows whether Redis serves us: it may be loading, or want a password.
        Self.write(["PING"], into: &buffer)
        openingAnswers += 1
        return buffer
    }

    mutating func write(_ stamp: Stamp, id: UInt32, into buffer: inout ByteBuffer) {
        let channel = plan.redisPrefix + plan.channelName(stamp.channel)
        buffer.writeString("*3\r\n$7\r\nPUBLISH\r\n$\(channel.utf8.count)\r\n\(channel)\r\n$\(plan.size)\r\n")
        stamp.writePayload(size: plan.size, into: &buffer)
        buffer.writeStaticString("\r\n")
    }

    mutating func read(_ bytes: ByteBuffer, _ body: (PublishEvent) -> Void) throws(PublishMistake) {
        input.writeImmutableBuffer(bytes)
        while let end = input.readableBytesView.prefix(Self.maxLineBytes).firstIndex(of: 10) {
            guard let line = input.readString(length: end - input.readerIndex + 1)?.dropLast(1) else { break }
            try note(line.last == "\r" ? line.dropLast() : line, body)
        }
        guard input.readableBytes < Self.maxLineBytes else {
            throw PublishMistake(description: "an answer that is not Redis'")
        }
        input.discardReadBytes()
    }

    private mutating func note(_ line: Substring, _ body: (PublishEvent) -> Void) throws(PublishMistake) {
        let isError = line.first == "-"
        guard isError || line.first == ":" || line.first == "+" else {
            throw PublishMistake(description: "an answer that is not Redis'")
        }
        if openingAnswers > 0 {
            guard !isError else {
                throw PublishMistake(description: "Redis says: \(Printable.text(line.dropFirst().utf8))")
            }
            openingAnswers -= 1
            if openingAnswers == 0 { body(.ready) }
            return
        }
        body(isError ? .refused(answering, "Redis: \(Printable.text(line.dropFirst().utf8))") : .accepted(answering))
        answering &+= 1
    }

    private static func write(_ arguments: [String], into buffer: inout ByteBuffer) {
        buffer.writeString("*\(arguments.count)\r\n")
        for argument in arguments { buffer.writeString("$\(argument.utf8.count)\r\n\(argument)\r\n") }
    }
}
