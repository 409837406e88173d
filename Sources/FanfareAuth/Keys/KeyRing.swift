import FanfareCore
import Logging
import Synchronization

/// All keys of a node: those of its configuration, and those of a key set that is read again when a token names a key that
/// is not in it. Looking a key up never waits.
public final class KeyRing: Sendable {
    private struct State {
        var set: [TokenKey] = []
        /// Whether the set was read at least once.
        var isLoaded = false
        /// When it was last asked for; microseconds of the monotonic clock.
        var askedAt: UInt64?
        /// The read under way.
        var reading: Task<Void, Never>?
    }

    private let fixed: [TokenKey]
    private let location: KeySetLocation?
    private let interval: UInt64
    private let maxAge: Duration
    private let metrics: TokenMetrics
    private let clock: NodeClock
    private let logger: Logger
    private let state = Mutex(State())

    /// Makes the keys of the configuration; the key set is not read yet.
    public init(
        _ configuration: TokenConfiguration, metrics: TokenMetrics, clock: NodeClock, logger: Logger
    ) async throws(TokenKeyError) {
        var keys: [TokenKey] = []
        for secret in configuration.secrets {
            for algorithm in TokenAlgorithm.allCases
            where algorithm.isSymmetric && configuration.algorithms.contains(algorithm) {
                keys.append(try await .secret(secret.value, algorithm))
            }
        }
        if let path = configuration.publicKeyFile {
            keys += try await TokenKey.publicKeys(pem: SecretFile.text(path, limit: KeySetLoader.maximumBytes))
        }
        fixed = keys
        location = configuration.keySet
        interval = configuration.keySetInterval.microseconds
        maxAge = configuration.keySetMaxAge
        self.metrics = metrics
        self.clock = clock
        self.logger = logger
    }

    /// The keys that a token with this header may be checked with; few, for each costs a signature check.
    func keys(_ algorithm: TokenAlgorithm, id: String?) -> [TokenKey] {
        let set = location == nil ? [] : state.withLock { $0.set }.filter { $0.algorithm == algorithm }
        let named = set.filter { key in
            guard let id else { return key.id == nil || set.count == 1 }
            return key.id == nil || key.id == id
        }
        return fixed.filter { $0.algorithm == algorithm } + named
    }

    /// Whether reading the key set now could bring a key for `algorithm`.
    func mayLearn(_ algorithm: TokenAlgorithm) -> Bool {
        guard location != nil, !algorithm.isSymmetric else { return false }
        let now = clock.monotonicMicroseconds()
        return state.withLock { $0.reading != nil || Self.isDue($0, now: now, interval: interval) }
    }

    /// Whether a key that is not there is known to be none, since the key set was read.
    func isComplete(_ algorithm: TokenAlgorithm) -> Bool {
        location == nil || algorithm.isSymmetric || state.withLock { $0.isLoaded }
    }

    /// Why the node can't check tokens yet; `nil`: it can.
    public var problem: String? {
        guard let location, !state.withLock({ $0.isLoaded }) else { return nil }
        return "the token keys from \(location) were never read"
    }

    /// Reads the key set unless that was done less than the interval ago; joins a read that is under way.
    public func refresh() async {
        guard let location else { return }
        let now = clock.monotonicMicroseconds()
        let reading = state.withLock { state -> Task<Void, Never>? in
            if let reading = state.reading { return reading }
            guard Self.isDue(state, now: now, interval: interval) else { return nil }
            state.askedAt = now
            let reading = Task { await self.read(location) }
            state.reading = reading
            return reading
        }
        await reading?.value
    }

    /// Keeps the key set fresh until the task is cancelled.
    public func run() async {
        guard location != nil else { return }
        while !Task.isCancelled {
            await refresh()
            // Until there are keys, every try counts.
            let pause = problem == nil ? maxAge : .microseconds(Int64(interval))
            try? await Task.sleep(for: pause)
        }
    }

    private static func isDue(_ state: State, now: UInt64, interval: UInt64) -> Bool {
        state.askedAt.map { now >= $0 + interval } ?? true
    }

    private func read(_ location: KeySetLocation) async {
        let result: Result<[TokenKey], TokenKeyError>
        do throws(TokenKeyError) {
            result = .success(try await KeySetLoader.load(location))
        } catch {
            result = .failure(error)
        }
        metrics.counters.addShared(.keySetLoads)
        let before = state.withLock { state in
            state.reading = nil
            let before = state.set
            if case .success(let keys) = result {
                state.set = keys
                state.isLoaded = true
            }
            return before
        }
        switch result {
        case .success(let keys):
            metrics.counters.addShared(.keySetKeys, keys.count - before.count)
            guard before.map(\.id) != keys.map(\.id) else { return }
            logger.notice("token keys read", metadata: ["from": "\(location)", "keys": "\(keys.count)"])
        case .failure(let error):
            // Keys that were read before stay in force: an outage of the provider must not lock everybody out.
            metrics.counters.addShared(.keySetFailures)
            logger.warning("token keys not read", metadata: ["from": "\(location)", "reason": "\(error)"])
        }
    }
}
