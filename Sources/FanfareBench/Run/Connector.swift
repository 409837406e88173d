import NIOCore
import NIOPosix
import NIOSSL

/// Makes connections to one server whose address was looked up once.
struct Connector: Sendable {
    private let address: SocketAddress
    private let serverName: String?
    private let tls: NIOSSLContext?
    private let timeout: TimeAmount

    /// Looks the host up; blocks.
    ///
    /// - Parameters:
    ///   - insecure: whether any certificate will do.
    ///   - caFile: PEM file of the authorities to trust; `nil`: the system's.
    init(_ endpoint: Endpoint, timeout: Duration, insecure: Bool = false, caFile: String? = nil) throws {
        address = try endpoint.resolve()
        self.timeout = .microseconds(timeout.microseconds)
        // SNI takes names only (RFC 6066 §3).
        serverName = (try? SocketAddress(ipAddress: endpoint.host, port: 0)) == nil ? endpoint.host : nil
        guard endpoint.tls else {
            tls = nil
            return
        }
        var configuration = TLSConfiguration.makeClientConfiguration()
        if insecure { configuration.certificateVerification = .none }
        if let caFile { configuration.trustRoots = .file(caFile) }
        tls = try NIOSSLContext(configuration: configuration)
    }

    /// Connects on `eventLoop`; what `handler` makes there sits at the end of the pipeline.
    func connect(
        on eventLoop: any EventLoop, from source: SocketAddress? = nil,
        _ handler: @escaping () -> any ChannelInboundHandler
    ) -> EventLoopFuture<any Channel> {
        let bound = NIOLoopBound(handler, eventLoop: eventLoop)
        var bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(timeout)
            // Small to begin with: ten thousand clients that hear little shall not hold a big buffer each.
            .channelOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 2_048, maximum: 65_536)
            )
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls {
                        try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: serverName))
                    }
                    try pipeline.addHandler(bound.value())
                }
            }
        if let source {
            #if os(Linux)
            // IP_BIND_ADDRESS_NO_PORT (24): the port is chosen with the destination in mind, or all destinations
            // together would share the ports of the source address.
            bootstrap = bootstrap.channelOption(
                ChannelOptions.Types.SocketOption(level: .ip, name: .init(rawValue: 24)), value: 1)
            #endif
            bootstrap = bootstrap.bind(to: source)
        }
        return bootstrap.connect(to: address)
    }
}
