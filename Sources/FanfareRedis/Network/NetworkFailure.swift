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

/// Why a socket did not do what was wanted, in the words of whoever runs the program: no types, no functions, no pointers.
public enum NetworkFailure {
    /// The end of a sentence: `connection refused`.
    public static func describe(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError: describe(error)
        case let error as IOError: describe(errno: error.errnoCode)
        case let error as ChannelError: describe(error)
        case is SocketAddressError.UnknownHost: "no such host name"
        case SocketAddressError.unixDomainSocketPathTooLong: "the path of the socket is too long"
        case is SocketAddressError: "no valid address"
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            "the certificate is for another name"
        case NIOSSLError.handshakeFailed(let reason): "TLS handshake failed: \(handshake(reason))"
        case NIOSSLError.unableToValidateCertificate, NIOSSLError.noCertificateToValidate:
            "the certificate is not trusted"
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError: "TLS error: \(withoutDebris("\(error)"))"
        default: "\(error)"
        }
    }

    /// All addresses of a name were tried; when they failed in different ways, each way is told once.
    private static func describe(_ error: NIOConnectionError) -> String {
        var reasons: [String] = []
        for failure in error.connectionErrors {
            let reason = describe(failure.error)
            if !reasons.contains(reason) { reasons.append(reason) }
        }
        if !reasons.isEmpty { return reasons.joined(separator: "; ") }
        return error.dnsAError == nil && error.dnsAAAAError == nil ? "no address" : "no such host name"
    }

    /// What a code of the system means for a socket; `strerror` knows the rest.
    private static func describe(errno code: CInt) -> String {
        switch code {
        case ECONNREFUSED: "connection refused"
        case ECONNRESET, EPIPE: "connection reset"
        case ETIMEDOUT: "no answer in time"
        case EADDRINUSE: "address already in use"
        case EADDRNOTAVAIL: "this machine does not have that address"
        case EACCES, EPERM: "not permitted"
        case EMFILE, ENFILE: "too many open files"
        case ENETUNREACH, EHOSTUNREACH: "no route to it"
        case ENOENT: "no such file"
        default: strerror(code).map { String(cString: $0) } ?? "system error \(code)"
        }
    }

    private static func describe(_ error: ChannelError) -> String {
        switch error {
        case .connectTimeout(let time): "no answer within \(time.nanoseconds / 1_000_000) ms"
        case .eof, .alreadyClosed, .ioOnClosedChannel, .inputClosed, .outputClosed: "connection closed"
        default: "\(error)"
        }
    }

    /// BoringSSL's words, where they mean something that can be helped.
    private static func handshake(_ error: BoringSSLError) -> String {
        let text = "\(error)"
        if text.contains("CERTIFICATE_VERIFY_FAILED") { return "the certificate is not trusted" }
        if text.contains("WRONG_VERSION_NUMBER") || text.contains("HTTP_REQUEST") {
            return "the other side does not speak TLS"
        }
        if text.contains("EOF during handshake") { return "the other side closed the connection" }
        return withoutDebris(text)
    }

    /// BoringSSL's words without numbers, and without the place in its source: `TLSV1_ALERT_PROTOCOL_VERSION`.
    private static func withoutDebris(_ text: String) -> String {
        let words = text.split { !$0.isLetter && !$0.isNumber && $0 != "_" }
        let constants = words.filter { word in
            word.contains("_") && word.allSatisfy { $0.isUppercase || $0.isNumber || $0 == "_" }
        }
        let known = constants.filter { !$0.hasPrefix("OPENSSL") }
        return known.isEmpty ? "the two sides did not agree" : known.joined(separator: ", ")
    }
}
