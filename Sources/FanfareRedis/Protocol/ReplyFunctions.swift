import CHiredis

/// How hiredis makes replies: by its own functions, but for arrays that no Redis sends. It takes memory for all elements
/// as soon as it knows their number, and a broken peer may name two thousand million in eleven bytes.
enum ReplyFunctions {
    /// hiredis' own.
    private static let original: redisReplyObjectFunctions? = {
        guard let reader = redisReaderCreate() else { return nil }
        defer { redisReaderFree(reader) }
        return reader.pointee.fn.pointee
    }()

    /// For every reader; lives as long as the process. `nil` as the reply of an array is hiredis' "no memory".
    ///
    /// Unsafe only in name: hiredis reads what is there and writes nothing.
    nonisolated(unsafe) static let bounded: UnsafeMutablePointer<redisReplyObjectFunctions>? = {
        guard var functions = original else { return nil }
        functions.createArray = { task, count in
            count <= RedisBounds.replyElements ? ReplyFunctions.original?.createArray(task, count) : nil
        }
        let place = UnsafeMutablePointer<redisReplyObjectFunctions>.allocate(capacity: 1)
        place.initialize(to: functions)
        return place
    }()
}
