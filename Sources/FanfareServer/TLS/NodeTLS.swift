import Crypto
import FanfareCore
import Logging
import NIOCore
import NIOSSL
import Synchronization

/// TLS of the public port: the certificate in use, and the task that looks for a newer one.
///
/// A connection keeps the certificate with which it began; a new one is for those that come after it.
final class NodeTLS: Sendable {
    private let files: TLSFiles
    private let interval: Duration
    private let closeTimeout: Duration
    private let http2: Bool
    private let metrics: CounterBlock<TLSCounter>
    private let clock: NodeClock
    private let logger: Logger
    /// Read at every accept, so it is held for no longer than that takes.
    private let context: Mutex<NIOSSLContext>
    /// What was tried last, whether it could be used or not. Held for the time of a reload: one at a time.
    private let tried: Mutex<SHA256Digest>
    private let watching = Mutex<Task<Void, Never>?>(nil)

    /// - Returns: `nil` where the configuration has no certificate: then the public port speaks plain HTTP.
    /// - Throws: ``NodeStartError/tls(reason:)``.
    static func make(
        _ configuration: NodeConfiguration, metrics: NodeMetrics, clock: NodeClock, logger: Logger
    ) throws(NodeStartError) -> NodeTLS? {
        guard let files = configuration.tls else { return nil }
        let tls: NodeTLS
        do {
            tls = try NodeTLS(files, configuration, metrics: metrics.tls, clock: clock, logger: logger)
        } catch {
            throw .tls(reason: "\(error)")
        }
        if configuration.tlsReloadInterval > .zero {
            tls.watching.withLock { $0 = Task { [weak tls] in while await tls?.watch() == true {} } }
        }
        return tls
    }

    private init(
        _ files: TLSFiles, _ configuration: NodeConfiguration, metrics: CounterBlock<TLSCounter>, clock: NodeClock,
        logger: Logger
    ) throws(TLSProblem) {
        self.files = files
        self.interval = configuration.tlsReloadInterval
        self.closeTimeout = configuration.limits.closeTimeout
        self.http2 = configuration.http2
        self.metrics = metrics
        self.clock = clock
        self.logger = logger
        tried = Mutex(files.fingerprint())
        let identity = try TLSIdentity(files, closeTimeout: closeTimeout, http2: http2)
        context = Mutex(identity.context)
        note(identity, "TLS on the public port")
    }

    func stop() { watching.withLock { $0?.cancel() } }

    /// Puts TLS in front of everything that is in the pipeline of a connection that was just accepted.
    func install(on channel: any Channel, loop: LoopState) throws {
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(NIOSSLServerHandler(context: context.withLock(\.self)))
        try pipeline.addHandler(TLSPieces())
        try pipeline.addHandler(TLSGate(loop: loop))
    }

    /// Reads the files now and uses what they hold for connections from now on; what can't be used changes nothing.
    func reload() {
        tried.withLock { tried in
            tried = files.fingerprint()
            do throws(TLSProblem) {
                let identity = try TLSIdentity(files, closeTimeout: closeTimeout, http2: http2)
                context.withLock { $0 = identity.context }
                metrics.add(.reloads)
                note(identity, "TLS certificate read anew: new connections get it")
            } catch {
                metrics.add(.reloadFailures)
                logger.error(
                    "the new TLS certificate can't be used, the one in use stays", metadata: ["reason": "\(error)"])
            }
        }
    }

    /// Waits for a while, then looks whether there is something new. Returns whether to do so again.
    private func watch() async -> Bool {
        guard (try? await Task.sleep(for: interval)) != nil else { return false }
        let found = files.fingerprint()
        guard found != tried.withLock(\.self) else { return true }
        guard (try? await Task.sleep(for: min(interval, Self.replacementTime))) != nil else { return false }
        // What is still being written is looked at the next time.
        if files.fingerprint() == found { reload() }
        return true
    }

    private func note(_ identity: TLSIdentity, _ message: Logger.Message) {
        metrics.set(.notAfter, identity.notAfter)
        logger.notice(
            message,
            metadata: [
                "names": "\(identity.names)", "serial": "\(identity.serial)", "expires": "\(identity.expiry)",
                "file": "\(files.certificate)",
            ])
        let now = Int(clock.wallMicroseconds() / 1_000_000)
        if let oddity = identity.oddity(at: now) { logger.warning("the TLS certificate \(oddity)") }
    }
}
