import FanfareAuth
import FanfareCore
import Logging

/// Tokens on a node: the one verifier of all event loops, and the task that keeps its keys fresh.
final class NodeTokens: Sendable {
    let verifier: TokenVerifier
    let keys: KeyRing
    private let refreshing: Task<Void, Never>

    private init(verifier: TokenVerifier, keys: KeyRing) {
        self.verifier = verifier
        self.keys = keys
        refreshing = Task { await keys.run() }
    }

    /// - Returns: `nil` where the configuration has no key: then every token is refused.
    /// - Throws: ``NodeStartError/keys(reason:)``.
    static func make(
        _ configuration: NodeConfiguration, metrics: NodeMetrics, clock: NodeClock, logger: Logger
    ) async throws(NodeStartError) -> NodeTokens? {
        guard configuration.tokens.isEnabled else { return nil }
        let keys: KeyRing
        do {
            keys = try await KeyRing(configuration.tokens, metrics: metrics.tokens, clock: clock, logger: logger)
        } catch {
            throw .keys(reason: "\(error)")
        }
        let verifier = TokenVerifier(
            configuration.tokens, keys: keys, limits: configuration.limits, metrics: metrics.tokens, clock: clock)
        return NodeTokens(verifier: verifier, keys: keys)
    }

    func stop() { refreshing.cancel() }
}
