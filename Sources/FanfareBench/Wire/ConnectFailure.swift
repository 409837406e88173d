import FanfareRedis
import NIOCore
import NIOPosix
import NIOSSL

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Why a connection failed, in few words and few different ones, so that ten thousand failures make one line; with the option
/// that helps, where one does.
enum ConnectFailure {
    static func describe(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { describe($0.error) } ?? "cannot look up \(error.host)"
        case let error as IOError:
            switch error.errnoCode {
            case EADDRNOTAVAIL, EADDRINUSE: "no free port (see --source-address)"
            default: NetworkFailure.describe(error)
            }
        case ChannelError.connectTimeout: "timeout"
        case is NIOSSLExtraError: "the server's certificate is not for this name or not trusted (see --ca-file)"
        case NIOSSLError.handshakeFailed: withHint(NetworkFailure.describe(error))
        default: NetworkFailure.describe(error)
        }
    }

    private static func withHint(_ text: String) -> String {
        if text.hasSuffix("the certificate is not trusted") { return text + " (see --ca-file)" }
        if text.hasSuffix("does not speak TLS") { return text + " (use ws://)" }
        return text
    }
}
