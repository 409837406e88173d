import NIOCore

@testable import FanfareRedis

extension FuzzTarget {
    /// Replies of Redis: the same however the bytes are cut; after a mistake nothing more.
    static let replies = FuzzTarget(name: "replies", maxBytes: 512) { input in
        var input = input
        var seed = UInt32(input.byte())
        let whole = RepliesRun { run in run.feed(input.rest) }
        let cut = RepliesRun { run in
            var rest = input
            while !rest.isEmpty {
                seed = seed &* 1_664_525 &+ 1_013_904_223
                run.feed(rest.bytes(1 + Int(seed >> 24) % 16))
            }
        }
        expect(whole.values == cut.values, "in one piece \(whole.values), cut \(cut.values)")
        expect(whole.hasFailed == cut.hasFailed, "in one piece failed: \(whole.hasFailed)")
        guard !whole.hasFailed, !input.isEmpty else { return }
        // A command is an array of texts and reads as one.
        let words = input.rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).prefix(16)
        var command = ByteBuffer()
        RedisCommand.write(words.map { ByteBuffer(bytes: $0) }, into: &command)
        let back = RepliesRun { run in command.withUnsafeReadableBytes { run.feed($0) } }
        let expected = RedisValue.array(words.map { .text(String(decoding: $0, as: UTF8.self)) })
        expect(back.values == [expected], "a command reads as \(back.values)")
    }
}

struct RepliesRun {
    private let reader = ReplyReader()
    private(set) var values: [RedisValue] = []
    private(set) var hasFailed = false

    init(_ body: (inout RepliesRun) -> Void) { body(&self) }

    mutating func feed(_ bytes: UnsafeRawBufferPointer) {
        guard let reader, !hasFailed else { return }
        do {
            try reader.read(bytes.buffer) { values.append(RedisValue($0)) }
        } catch {
            hasFailed = true
        }
    }
}
