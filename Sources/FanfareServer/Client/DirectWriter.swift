import CSocket
import FanfareCore
import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The short way out: a `send` on the connection's descriptor, past NIO's write path, which costs as much again as the
/// kernel does (D5 in docs/decisions.md).
///
/// Only while nothing waits for the connection, or bytes would overtake each other; the rest of a partial send goes the
/// long way. The descriptor is NIO's: it is forgotten in `channelInactive`, which NIO calls in the same turn of the event
/// loop in which it closes the descriptor, before anything else on that loop could send.
struct DirectWriter: HubLane {
    private let descriptor: CInt

    #if canImport(Darwin)
    private static let flags = CInt(MSG_DONTWAIT)
    #else
    private static var flags: CInt { CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL) }
    #endif

    /// `nil` where the transport can't be written directly: TLS, or a switch in the configuration.
    init?(_ channel: any Channel, enabled: Bool) {
        guard enabled,
            let descriptor = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
                of: NIOBSDSocket.Handle.self,
                { $0 }
            )
        else { return nil }
        self.descriptor = descriptor
    }

    /// Sends several buffers with one call: no copy puts them together. The same answers as for one.
    func send(_ pieces: [PendingBytes.Piece]) -> Int {
        let count = min(pieces.count, Self.maximumPieces)
        return withUnsafeTemporaryAllocation(of: iovec.self, capacity: count) { vectors in
            for index in 0..<count {
                // The pieces hold the memory until this call is over, and nothing writes to it.
                let bytes = pieces[index].bytes.withUnsafeReadableBytesWithStorageManagement { bytes, _ in bytes }
                vectors.initializeElement(
                    at: index,
                    to: iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count))
            }
            return withExtendedLifetime(pieces) { sendVectors(vectors) }
        }
    }

    /// Sends several pieces of memory, ``maximumPieces`` with one call, until the socket takes no more.
    func send(_ pieces: UnsafeBufferPointer<UnsafeRawBufferPointer>) -> Int {
        withUnsafeTemporaryAllocation(of: iovec.self, capacity: min(pieces.count, Self.maximumPieces)) { vectors in
            var (start, total) = (0, 0)
            while start < pieces.count {
                let count = min(vectors.count, pieces.count - start)
                var bytes = 0
                for index in 0..<count {
                    let piece = pieces[start + index]
                    bytes += piece.count
                    vectors.initializeElement(
                        at: index,
                        to: iovec(iov_base: UnsafeMutableRawPointer(mutating: piece.baseAddress), iov_len: piece.count))
                }
                let sent = sendVectors(UnsafeMutableBufferPointer(rebasing: vectors[..<count]))
                guard sent >= 0 else { return sent }
                total += sent
                guard sent == bytes else { break }
                start += count
            }
            return total
        }
    }

    private func sendVectors(_ vectors: UnsafeMutableBufferPointer<iovec>) -> Int {
        var message = msghdr()
        message.msg_iov = vectors.baseAddress
        message.msg_iovlen = .init(vectors.count)
        while true {
            let count = csocket_sendmsg(descriptor, &message, Self.flags)
            if count >= 0 { return count }
            switch errno {
            case EINTR: continue
            case EAGAIN, EWOULDBLOCK: return 0
            default: return -1
            }
        }
    }

    /// Sends what the socket takes now: fewer bytes than given when its buffer is full, negative when the connection is
    /// broken. Never blocks, raises no signal.
    func send(_ bytes: UnsafeRawBufferPointer) -> Int {
        while true {
            // The pointer is valid for the length of this call, and `send` only reads.
            let count = csocket_send(descriptor, bytes.baseAddress, bytes.count, Self.flags)
            if count >= 0 { return count }
            switch errno {
            case EINTR: continue
            case EAGAIN, EWOULDBLOCK: return 0
            default: return -1
            }
        }
    }
}
