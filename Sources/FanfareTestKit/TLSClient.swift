import NIOCore
import NIOSSL

/// How a client speaks TLS: whom it trusts, and in which versions.
public struct TLSClient: Sendable {
    private let context: NIOSSLContext

    /// - Parameters:
    ///   - caFile: PEM file of the authority that it trusts, and no other.
    ///   - version: the only version that it speaks; `nil`: all.
    ///   - protocols: what it offers in ALPN.
    public init(caFile: String, version: TLSVersion? = nil, protocols: [String] = []) throws {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .file(caFile)
        configuration.applicationProtocols = protocols
        if let version {
            configuration.minimumTLSVersion = version
            configuration.maximumTLSVersion = version
        }
        context = try NIOSSLContext(configuration: configuration)
    }

    /// Puts TLS at the beginning of a pipeline; the server must be `localhost`.
    func install(on channel: any Channel) throws {
        try channel.pipeline.syncOperations.addHandler(
            NIOSSLClientHandler(context: context, serverHostname: "localhost"), position: .first)
    }
}

extension SocketClient {
    /// The number of the server's certificate, in hexadecimal digits, once something has come.
    public func certificateSerial() async throws -> String {
        try await channel.nioSSL_peerCertificate().get()?.serialNumber
            .map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() ?? ""
    }
}
