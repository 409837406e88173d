import CHiredis
import NIOCore

/// Commands as Redis reads them, formatted by hiredis.
enum RedisCommand {
    /// Appends a command; arguments may hold any bytes.
    static func write(_ arguments: [ByteBuffer], into buffer: inout ByteBuffer) {
        var flat = ByteBuffer()
        for argument in arguments { flat.writeImmutableBuffer(argument) }
        var lengths = arguments.map(\.readableBytes)
        flat.withUnsafeReadableBytes { raw in
            // An empty buffer may have no address; hiredis then copies nothing from this one.
            var empty: CChar = 0
            withUnsafePointer(to: &empty) { none in
                let base = raw.baseAddress?.assumingMemoryBound(to: CChar.self) ?? none
                var offset = 0
                var pointers: [UnsafePointer<CChar>?] = lengths.map { length in
                    defer { offset += length }
                    return base + offset
                }
                var target: UnsafeMutablePointer<CChar>?
                let count = redisFormatCommandArgv(&target, Int32(lengths.count), &pointers, &lengths)
                guard count > 0, let target else { return }
                buffer.writeBytes(UnsafeRawBufferPointer(start: target, count: Int(count)))
                redisFreeCommand(target)
            }
        }
    }

    /// Appends a command whose arguments are text.
    static func write(_ arguments: [String], into buffer: inout ByteBuffer) {
        write(arguments.map { ByteBuffer(string: $0) }, into: &buffer)
    }
}
