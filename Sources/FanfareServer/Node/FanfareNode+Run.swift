import FanfareCore
import FanfareWire
import Logging
import UnixSignals

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

extension FanfareNode {
    /// Runs a node until SIGTERM or SIGINT has drained it; a second signal ends the process at once. SIGHUP reads the
    /// certificate anew.
    ///
    /// - Parameter warnings: what the configuration's reader found odd; logged first.
    public static func run(configuration: NodeConfiguration, warnings: [String]) async throws {
        // The configuration was checked against the highest limit.
        OpenFileLimit.raise()
        let logger = makeLogger(configuration)
        for warning in warnings { logger.warning("\(warning)") }
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
        let node = try await start(configuration: configuration, logger: logger)
        node.announce()
        let (stop, stopNow) = AsyncStream<Void>.makeStream()
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                var isDraining = false
                for await signal in signals {
                    if signal == .sighup {
                        logger.notice("SIGHUP received")
                        node.reload()
                        continue
                    }
                    if isDraining {
                        logger.warning("\(signal) received again: ending at once")
                        _exit(1)
                    }
                    isDraining = true
                    logger.notice("\(signal) received: draining (once more to end at once)")
                    stopNow.yield()
                }
            }
            for await _ in stop { break }
            await node.drain()
            tasks.cancelAll()
        }
    }

    private static func makeLogger(_ configuration: NodeConfiguration) -> Logger {
        var logger = Logger(label: "fanfare")
        logger.logLevel = configuration.logLevel
        logger[metadataKey: "node"] = "\(configuration.nodeName)"
        return logger
    }

    /// Says where the node listens. That it is ready is said when it is, by ``ReadinessLog``.
    private func announce() {
        let configuration = context.configuration
        let scheme = configuration.tls == nil ? "http" : "https"
        let address = "\(scheme)://\(Authority.text(host: configuration.host, port: port))"
        context.logger.notice(
            configuration.redis.isEmpty || context.broker.status.isUp ? "listening" : "listening; waiting for Redis",
            metadata: [
                "public": "\(address)",
                "admin": "http://\(Authority.text(host: configuration.adminHost, port: adminPort))",
                "broker": "\(configuration.redis.isEmpty ? "memory (this node only)" : configuration.redactedRedis)",
                "loops": "\(configuration.loops)",
                "max-connections": "\(configuration.limits.maxConnections)",
            ]
        )
        if configuration.dev {
            context.logger.warning(
                "--dev is on: everybody who reaches \(address) may connect, subscribe and publish, from every page")
        } else {
            context.logger.notice("anonymous clients: \(configuration.anonymous) (see --anonymous)")
        }
        if configuration.tokens.isEnabled {
            let algorithms = configuration.tokens.algorithms.map(\.rawValue).sorted().joined(separator: " ")
            context.logger.notice(
                "clients with a token: \(configuration.users) (see --users); algorithms: \(algorithms)")
        }
    }
}
