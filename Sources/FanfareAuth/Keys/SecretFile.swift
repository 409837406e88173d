import Foundation
import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Reads small files of keys and secrets; an error never quotes them.
public enum SecretFile {
    /// - Parameter limit: most bytes; a device or a log given by mistake ends there.
    public static func bytes(_ path: String, limit: Int) throws(TokenKeyError) -> ByteBuffer {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreachable(String(cString: strerror(errno))) }
        defer { _ = close(descriptor) }
        var buffer = ByteBuffer()
        while true {
            // `read` writes at most as many bytes as the part has, and only the part whose length it returns counts.
            var failure: CInt?
            let count = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 16_384) { part in
                let count = read(descriptor, part.baseAddress, part.count)
                if count < 0 { failure = errno }
                return max(0, count)
            }
            if let failure { throw .unreachable(String(cString: strerror(failure))) }
            if count == 0 { return buffer }
            guard buffer.readableBytes <= limit else { throw .tooBig }
        }
    }

    public static func text(_ path: String, limit: Int) throws(TokenKeyError) -> String {
        let bytes = try bytes(path, limit: limit)
        guard let text = String(validating: bytes.readableBytesView, as: UTF8.self) else {
            throw .unreachable("it is not UTF-8")
        }
        return text
    }
}
