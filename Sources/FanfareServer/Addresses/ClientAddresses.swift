import FanfareCore
import HTTPTypes
import Logging
import Synchronization

/// Who is calling a node: finds the address behind a request, and counts by it. Any thread.
final class ClientAddresses: Sendable {
    /// Who sent a request.
    struct Caller: Sendable, Equatable {
        let address: ClientAddress
        /// Whether it is one of the operator's own machines, which no limit by address holds for. Not where it said something
        /// that is no address: then nobody knows for whom it speaks.
        let isTrusted: Bool
    }

    let source: ForwardedPath.Source
    let trusted: TrustedNetworks
    /// Addresses with clients here, IPv6 by /64; `nil` where nothing is limited by address.
    let groups: ClientGroups<ClientAddress>?
    private let path: ForwardedPath
    private let metrics: NodeMetrics
    private let logger: Logger
    private let hasWarned = Atomic<Bool>(false)
    private let hasWarnedOfGarbage = Atomic<Bool>(false)

    init(_ configuration: NodeConfiguration, metrics: NodeMetrics, logger: Logger) {
        source = configuration.clientAddress
        trusted = configuration.trusted
        path = ForwardedPath(trusted: trusted)
        let ofAddress = configuration.limits.ofAddress
        // Conformance suites are nobody's clients.
        groups = ofAddress.isUnlimited || configuration.echo ? nil : ClientGroups(ofAddress)
        self.metrics = metrics
        self.logger = logger
    }

    /// - Parameters:
    ///   - peer: the other end of the connection, or for whom it speaks by the PROXY protocol.
    ///   - fields: the request's.
    func caller(peer: ClientAddress, _ fields: HTTPFields) -> Caller {
        let origin: ForwardedPath.Origin
        switch source {
        case .peer, .proxyProtocol:
            return Caller(address: peer, isTrusted: trusted.contains(peer))
        case .xForwardedFor, .forwarded:
            guard trusted.contains(peer) else {
                if fields.contains(.xForwardedFor) || fields.contains(.forwarded) { warn(peer) }
                return Caller(address: peer, isTrusted: false)
            }
            origin =
                source == .forwarded
                ? path.origin(peer: peer, forwarded: fields[values: .forwarded])
                : path.origin(peer: peer, xForwardedFor: fields[values: .xForwardedFor])
        }
        if origin.isMalformed { warnOfGarbage(origin.address) }
        return Caller(address: origin.address, isTrusted: !origin.isMalformed && trusted.contains(origin.address))
    }

    /// Whether a trusted proxy says that the client came over TLS. No browser can write these fields, and only browsers are
    /// held to their pages' origins; so any hop that says so will do.
    ///
    /// - Parameter peer: as for ``caller(peer:_:)``.
    func isOverTLS(peer: ClientAddress, _ fields: HTTPFields) -> Bool {
        guard trusted.contains(peer) else { return false }
        return switch source {
        case .peer, .proxyProtocol: false
        case .xForwardedFor:
            ListFromRight(fields[values: .xForwardedProto], isQuoted: false).contains { ForwardedElement.isTLS($0) }
        case .forwarded:
            ListFromRight(fields[values: .forwarded], isQuoted: true)
                .contains {
                    ForwardedElement.value(of: "proto", in: $0).map { ForwardedElement.isTLS($0[...]) } ?? false
                }
        }
    }

    /// The group of a caller; `nil` where no limit holds for it.
    func group(_ caller: Caller, now: UInt64) -> ClientGroup? {
        caller.isTrusted ? nil : groups?.group(caller.address.counted, now: now)
    }

    /// What a stranger says is not believed; but it may be a proxy, and then all of its clients share one address.
    private func warn(_ peer: ClientAddress) {
        metrics.shared.addShared(.forwardedUntrusted)
        guard !hasWarned.exchange(true, ordering: .relaxed) else { return }
        logger.warning(
            """
            \(peer) sends X-Forwarded-For or Forwarded and is not trusted: is it a proxy? Name it in --trusted-proxies; until \
            then all its clients share the limits of one address (told once)
            """)
    }

    private func warnOfGarbage(_ hop: ClientAddress) {
        metrics.shared.addShared(.forwardedMalformed)
        guard !hasWarnedOfGarbage.exchange(true, ordering: .relaxed) else { return }
        logger.warning(
            """
            the trusted proxy \(hop) does not say for whom it speaks: its \(source.rawValue) has no address where the client's \
            should be; such clients share the limits of its own (told once)
            """)
    }
}
