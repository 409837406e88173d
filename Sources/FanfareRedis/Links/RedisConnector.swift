import FanfareCore
import FanfareWire
import NIOCore
import NIOPosix
import NIOSSL

/// Makes connections to Redis: TCP, TLS or a Unix socket, with the log-in that the URL asks for.
struct RedisConnector: Sendable {
    let configuration: RedisConfiguration
    let clientName: String

    /// Connects on `eventLoop`; events of the connection come there, until one of them is `lost`.
    ///
    /// - Parameter endpoint: where to, if the configuration's address does not say it.
    func connect(
        on eventLoop: any EventLoop, to endpoint: RedisEndpoint? = nil, events: @escaping (LinkHandler.Event) -> Void
    ) -> EventLoopFuture<any Channel> {
        let address = endpoint.map { RedisConfiguration.Address.host($0.host, port: $0.port) } ?? configuration.address
        let bound = NIOLoopBound(events, eventLoop: eventLoop)
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(.microseconds(Int64(configuration.connectTimeout.microseconds)))
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls = try tlsHandler(address) { try channel.pipeline.syncOperations.addHandler(tls) }
                    try channel.pipeline.syncOperations.addHandler(
                        LinkHandler(
                            logIn: logIn, timeout: .microseconds(Int64(configuration.commandTimeout.microseconds)),
                            showing: configuration.showing, overTLS: usesTLS(address), events: bound.value))
                }
            }
        return switch address {
        case .host(let host, let port): bootstrap.connect(host: host, port: port)
        case .path(let path): bootstrap.connect(unixDomainSocketPath: path)
        case .sentinel, .cluster: eventLoop.makeFailedFuture(RedisLinkError.unresolved)
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
        if case .sentinel = configuration.address {
            let role = LinkHandler.LogInCommand(
                name: "ROLE", arguments: ["ROLE"], mayFail: false, objection: MasterWatch.objection)
            commands.append(role)
        }
        commands.append(.init(name: "PING", arguments: ["PING"], mayFail: false))
        return commands
    }

    /// A Unix socket is on this machine.
    private func usesTLS(_ address: RedisConfiguration.Address) -> Bool {
        guard configuration.tls, case .host = address else { return false }
        return true
    }

    private func tlsHandler(_ address: RedisConfiguration.Address) throws -> NIOSSLClientHandler? {
        guard usesTLS(address), case .host(let host, _) = address else { return nil }
        let context = try NIOSSLContext(configuration: Self.tls(configuration))
        // SNI takes names only (RFC 6066 §3); an address is verified against the certificate's addresses.
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        return try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : host)
    }

    /// How Redis is spoken to over TLS.
    static func tls(_ configuration: RedisConfiguration) -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        if let file = configuration.caFile { tls.trustRoots = .file(file) }
        // A peer that does not answer the close (NIOSSL's default is 5 s) holds nothing but a socket, and not for long.
        tls.shutdownTimeout = .milliseconds(500)
        return tls
    }

    /// An error of a failed try, or of a link that broke, in a few words.
    static func describe(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            "cannot connect to \(Authority.text(host: error.host, port: error.port)): \(NetworkFailure.describe(error))"
        case ChannelError.connectTimeout: "cannot connect: \(NetworkFailure.describe(error))"
        default: NetworkFailure.describe(error)
        }
    }
}
