import FanfareCore
import NIOCore
import NIOPosix
import NIOSSL

/// Makes connections to Redis: TCP, TLS or a Unix socket, with the log-in that the URL asks for.
struct RedisConnector: Sendable {
    let configuration: RedisConfiguration
    let clientName: String

    /// Connects on `eventLoop`; events of the connection come there, until one of them is `lost`.
    func connect(
        on eventLoop: any EventLoop, events: @escaping (LinkHandler.Event) -> Void
    ) -> EventLoopFuture<any Channel> {
        let bound = NIOLoopBound(events, eventLoop: eventLoop)
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(.microseconds(Int64(configuration.connectTimeout.microseconds)))
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls = try tlsHandler() { try channel.pipeline.syncOperations.addHandler(tls) }
                    try channel.pipeline.syncOperations.addHandler(
                        LinkHandler(
                            logIn: logIn, timeout: .microseconds(Int64(configuration.commandTimeout.microseconds)),
                            events: bound.value))
                }
            }
        return switch configuration.address {
        case .host(let host, let port): bootstrap.connect(host: host, port: port)
        case .path(let path): bootstrap.connect(unixDomainSocketPath: path)
        }
    }

    /// What the link says first. The last one shows whether Redis serves us: it may be loading, or want a password.
    private var logIn: [LinkHandler.LogInCommand] {
        var commands: [LinkHandler.LogInCommand] = []
        if let password = configuration.password {
            let user = configuration.user.map { [$0] } ?? []
            commands.append(.init(name: "AUTH", arguments: ["AUTH"] + user + [password], mayFail: false))
        }
        if configuration.database != 0 {
            commands.append(
                .init(name: "SELECT", arguments: ["SELECT", String(configuration.database)], mayFail: false))
        }
        // An ACL may forbid it; it only helps the operator.
        commands.append(.init(name: "CLIENT", arguments: ["CLIENT", "SETNAME", clientName], mayFail: true))
        commands.append(.init(name: "PING", arguments: ["PING"], mayFail: false))
        return commands
    }

    private func tlsHandler() throws -> NIOSSLClientHandler? {
        guard configuration.tls, case .host(let host, _) = configuration.address else { return nil }
        var tls = TLSConfiguration.makeClientConfiguration()
        if let file = configuration.caFile { tls.trustRoots = .file(file) }
        let context = try NIOSSLContext(configuration: tls)
        // SNI takes names only (RFC 6066 §3); an address is verified against the certificate's addresses.
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        return try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : host)
    }

    /// An error of a failed try in a few words.
    static func describe(_ error: any Error) -> String {
        guard let error = error as? NIOConnectionError else { return "\(error)" }
        if let dns = error.dnsAError ?? error.dnsAAAAError, error.connectionErrors.isEmpty {
            return "cannot look up \(error.host): \(dns)"
        }
        let reason = error.connectionErrors.first.map { "\($0.error)" } ?? "no address"
        return "cannot connect to \(error.host):\(error.port): \(reason)"
    }
}
