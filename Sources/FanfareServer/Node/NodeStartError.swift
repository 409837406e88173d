import FanfareRedis
import FanfareWire
import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Why a node did not start.
public enum NodeStartError: Error, CustomStringConvertible {
    /// A port can't be bound.
    case bind(ListeningPort, host: String, port: Int, reason: String)
    /// A key for tokens can't be used.
    case keys(reason: String)
    /// Certificate or key of the public port can't be used.
    case tls(reason: String)

    /// The ports of a node.
    public enum ListeningPort: String, Sendable {
        /// For clients.
        case `public`
        /// For the operator.
        case admin

        /// The settings that move it.
        var settings: (host: String, port: String) {
            switch self {
            case .public: ("--host", "--port")
            case .admin: ("--admin-host", "--admin-port")
            }
        }
    }

    /// A port that can't be bound, with what to do about it.
    static func bind(_ what: ListeningPort, host: String, port: Int, _ error: any Error) -> NodeStartError {
        let settings = what.settings
        let help =
            switch (error as? IOError)?.errnoCode {
            case EADDRINUSE: "; end what listens there, or choose another with \(settings.port)"
            case EADDRNOTAVAIL: "; choose one that it has with \(settings.host)"
            case EACCES, EPERM:
                "; ports below 1024 need CAP_NET_BIND_SERVICE: give it to the process, or choose another with \(settings.port)"
            default: ""
            }
        return .bind(what, host: host, port: port, reason: NetworkFailure.describe(error) + help)
    }

    public var description: String {
        switch self {
        case .keys(let reason): "a key for tokens \(reason)"
        case .tls(let reason): reason
        case .bind(let what, let host, let port, let reason):
            "cannot listen on the \(what.rawValue) port \(Authority.text(host: host, port: port)): \(reason)"
        }
    }
}
