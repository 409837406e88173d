import CHiredis
import NIOCore

/// Redis replies out of bytes, by hiredis' reader. One per link, on its event loop.
final class ReplyReader {
    /// Bytes that hiredis is given at a time: after each kilobyte that it has read it moves the rest of them down.
    private static let portion = 4_096

    private let reader: UnsafeMutablePointer<redisReader>

    init?() {
        guard let functions = ReplyFunctions.bounded, let reader = redisReaderCreate() else { return nil }
        reader.pointee.fn = functions
        self.reader = reader
    }

    deinit { redisReaderFree(reader) }

    /// Takes bytes and calls `body` for every reply that is complete now.
    ///
    /// - Throws: ``RedisLinkError/protocolError(_:)`` for bytes that are no Redis reply; the reader is unusable then.
    func read(_ bytes: ByteBuffer, _ body: (ReplyView) -> Void) throws(RedisLinkError) {
        var rest = bytes
        while let portion = rest.readSlice(length: min(rest.readableBytes, Self.portion)), portion.readableBytes > 0 {
            try feed(portion, body)
        }
    }

    private func feed(_ bytes: ByteBuffer, _ body: (ReplyView) -> Void) throws(RedisLinkError) {
        // hiredis copies what it is given; the pointer is only used within the call.
        let fed = bytes.withUnsafeReadableBytes { raw in
            redisReaderFeed(reader, raw.baseAddress?.assumingMemoryBound(to: CChar.self), raw.count)
        }
        guard fed == REDIS_OK, reader.pointee.len - reader.pointee.pos <= RedisBounds.replyBytes else {
            throw .protocolError("a reply of more than \(RedisBounds.replyBytes) bytes")
        }
        while true {
            var reply: UnsafeMutableRawPointer?
            guard redisReaderGetReply(reader, &reply) == REDIS_OK else {
                throw .protocolError("not a Redis reply")
            }
            guard let reply else { return }
            // Made by the reader's default functions: a `redisReply`, ours to free.
            body(ReplyView(reply.assumingMemoryBound(to: redisReply.self)))
            freeReplyObject(reply)
        }
    }
}

/// A reply in hiredis' memory; only valid within the closure that it was given to.
struct ReplyView {
    private let reply: UnsafeMutablePointer<redisReply>

    fileprivate init(_ reply: UnsafeMutablePointer<redisReply>) { self.reply = reply }

    /// The integer of an integer reply.
    var integer: Int? { reply.pointee.type == REDIS_REPLY_INTEGER ? Int(reply.pointee.integer) : nil }

    /// Redis' words of an error reply.
    var error: String? { reply.pointee.type == REDIS_REPLY_ERROR ? String(decoding: bytes, as: UTF8.self) : nil }

    /// The bytes of a string, status or error.
    var bytes: UnsafeRawBufferPointer {
        switch reply.pointee.type {
        case REDIS_REPLY_STRING, REDIS_REPLY_STATUS, REDIS_REPLY_ERROR:
            UnsafeRawBufferPointer(start: reply.pointee.str, count: Int(reply.pointee.len))
        default:
            UnsafeRawBufferPointer(start: nil, count: 0)
        }
    }

    /// Whether it is nothing.
    var isNil: Bool { reply.pointee.type == REDIS_REPLY_NIL }

    /// Whether it is an array.
    var isArray: Bool { reply.pointee.type == REDIS_REPLY_ARRAY }

    /// Number of elements of an array.
    var count: Int { reply.pointee.type == REDIS_REPLY_ARRAY ? Int(reply.pointee.elements) : 0 }

    /// An element of an array; `nil` where there is none.
    subscript(index: Int) -> ReplyView? {
        guard index >= 0, index < count, let element = reply.pointee.element[index] else { return nil }
        return ReplyView(element)
    }
}
