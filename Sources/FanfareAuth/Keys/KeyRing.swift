import FanfareCore
import FanfareWire
import Logging
import Synchronization

/// All keys of a node: those of its configuration, and those of a key set that is read again when a token names a key that
/// is not in it. Looking a key up never waits.
public final class KeyRing: Sendable {
    private struct State {
        var set: [TokenKey] = []
        /// Why others of the set are not used.
        var leftOut: [String] = []
        /// Whether the set was read at least once.
        var isLoaded = false
        /// When it was last asked for; microseconds of the monotonic clock.
        var askedAt: UInt64?
        /// When the last read that brought keys began.
        var readAt: UInt64?
        /// When tokens whose key is not known came for the first time, by their hash: a read since then that does not have it
        /// decides. By token and not by key, so that nobody can ask for a future key's name beforehand.
        var waiting: [Int: UInt64] = [:]
        /// The read under way; whether it brought keys.
        var reading: Task<Bool, Never>?
        /// Whether somebody waits for the next read.
        var isWanted = false
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
    func keys(_ algorithm: TokenAlgorithm, id: ExactText?) -> [TokenKey] {
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

    /// What is to be said of a token none of whose possible keys is here.
    func absence(_ token: CompactToken, after search: KeySearch) -> TokenRefusal {
        guard location != nil, !token.algorithm.isSymmetric else { return .unknownKey }
        let (now, hash) = (clock.monotonicMicroseconds(), token.hash)
        return state.withLock { state in
            guard state.isLoaded else { return .keysUnavailable }
            guard search != .fresh else { return .unknownKey }
            if let since = state.waiting[hash] {
                return state.readAt.map { $0 > since } == true ? .unknownKey : .keyPending
            }
            if state.waiting.count >= Self.maximumWaiting { state.waiting.removeAll() }
            state.waiting[hash] = now
            return .keyPending
        }
    }

    /// Why the node can't check tokens yet; `nil`: it can.
    public var problem: String? {
        guard let location, !state.withLock({ $0.isLoaded }) else { return nil }
        return "the token keys from \(location) were never read"
    }

    /// Reads the key set unless that was done less than the interval ago; joins a read that is under way.
    @discardableResult
    public func refresh() async -> KeySearch {
        guard let location else { return .fresh }
        let now = clock.monotonicMicroseconds()
        let (reading, isOwn) = state.withLock { state -> (Task<Bool, Never>?, Bool) in
            if let reading = state.reading { return (reading, false) }
            guard Self.isDue(state, now: now, interval: interval) else { return (nil, false) }
            state.askedAt = now
            state.isWanted = false
            let reading = Task { await self.read(location) }
            state.reading = reading
            return (reading, true)
        }
        guard let reading, await reading.value, isOwn else { return .stale }
        return .fresh
    }

    /// Reads the key set as soon as it may be read again: a client was told to come back for its key, and then it is here.
    func readSoon() {
        guard location != nil else { return }
        let now = clock.monotonicMicroseconds()
        let wait = state.withLock { state -> UInt64? in
            guard !state.isWanted, state.reading == nil else { return nil }
            state.isWanted = true
            let dueAt = (state.askedAt ?? 0) + interval
            return dueAt > now ? dueAt - now : 0
        }
        guard let wait else { return }
        Task { [weak self] in
            try? await Task.sleep(for: .microseconds(Int64(clamping: wait)))
            guard let self else { return }
            if self.state.withLock({ $0.isWanted }) { await self.refresh() }
            self.state.withLock { $0.isWanted = false }
        }
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

    private func read(_ location: KeySetLocation) async -> Bool {
        let result: Result<KeySet, TokenKeyError>
        do throws(TokenKeyError) {
            result = .success(try await KeySetLoader.load(location))
        } catch {
            result = .failure(error)
        }
        metrics.counters.addShared(.keySetLoads)
        let before = state.withLock { state in
            state.reading = nil
            let before = (keys: state.set, leftOut: state.leftOut)
            if case .success(let set) = result {
                (state.set, state.leftOut) = (set.keys, set.leftOut)
                state.isLoaded = true
                state.readAt = state.askedAt
            }
            return before
        }
        switch result {
        case .success(let set):
            metrics.counters.addShared(.keySetKeys, set.keys.count - before.keys.count)
            if before.keys.map(\.id) != set.keys.map(\.id) || before.leftOut != set.leftOut { log(set, location) }
            return true
        case .failure(let error):
            // Keys that were read before stay in force: an outage of the provider must not lock everybody out.
            metrics.counters.addShared(.keySetFailures)
            logger.warning("token keys not read", metadata: ["from": "\(location)", "reason": "\(error)"])
            return false
        }
    }

    private func log(_ set: KeySet, _ location: KeySetLocation) {
        var metadata: Logger.Metadata = ["from": "\(location)", "keys": "\(set.keys.count)"]
        if !set.leftOut.isEmpty { metadata["left-out"] = "\(set.leftOut.prefix(8).joined(separator: "; "))" }
        logger.notice("token keys read", metadata: metadata)
    }
}

/// What was done to find a token's key before the token is looked at.
public enum KeySearch: Sendable {
    /// Nothing yet.
    case none
    /// The key set was not read since the token came: it was read too recently, did not answer, or the read had begun before.
    case stale
    /// The key set was read since the token came: a key that is not in it does not exist.
    case fresh
}
