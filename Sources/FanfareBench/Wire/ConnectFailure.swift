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

/// Why a connection failed, in few words and few different ones, so that ten thousand failures make one line.
enum ConnectFailure {
    static func describe(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { describe($0.error) } ?? "cannot look up \(error.host)"
        case let error as IOError:
            switch error.errnoCode {
            case ECONNREFUSED: "connection refused"
            case ECONNRESET, EPIPE: "connection reset"
            case EADDRNOTAVAIL, EADDRINUSE: "no free port (see --source-address)"
            case EMFILE, ENFILE: "too many open files"
            case let code: "system error \(code)"
            }
        case ChannelError.connectTimeout: "timeout"
        case is NIOSSLExtraError: "the server's certificate is not for this name or not trusted (see --ca-file)"
        case NIOSSLError.handshakeFailed(let reason): "TLS handshake failed: \(cause(reason))"
        case is NIOSSLError, is BoringSSLError: "TLS error"
        default: "\(error)"
        }
    }

    /// BoringSSL's words without where in its source they stand.
    private static func cause(_ error: BoringSSLError) -> String {
        let text = "\(error)"
        if text.contains("CERTIFICATE_VERIFY_FAILED") { return "the certificate is not trusted (see --ca-file)" }
        if text.contains("WRONG_VERSION_NUMBER") { return "the server does not speak TLS (use ws://)" }
        return "the server and this client did not agree"
    }
}
