import FanfareTestKit
import FanfareWire
import Synchronization

@testable import FanfareCore

/// A clock that a test turns.
final class TurnedClock: Sendable {
    private let microseconds = Atomic<UInt64>(1_000_000)
    var now: UInt64 { microseconds.load(ordering: .relaxed) }
    var clock: NodeClock { NodeClock(wallMicroseconds: { self.now }, monotonicMicroseconds: { self.now }) }
    func turn(_ duration: Duration) { microseconds.add(duration.microseconds, ordering: .relaxed) }
}

/// A store that does what it is asked, or not, or does it and says that it did not; answers late.
final class FaultyStore: NoPresence {
    struct State {
        var random: SeededRandom
        var faults = 0
        var answers: [@Sendable () -> Void] = []
        var calls: [Int] = []
    }

    let broker: MemoryBroker
    let state: Mutex<State>

    init(_ broker: MemoryBroker, seed: Int) {
        self.broker = broker
        state = Mutex(State(random: SeededRandom(seed: UInt64(seed))))
    }

    func join(
        _ members: [ClientInfo], _ channel: ChannelName, returning: Bool,
        completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void
    ) { call(members.count, completion) { self.broker.join(members, channel, returning: returning, completion: $0) } }

    func leave(
        _ clients: [ExactText], _ channel: ChannelName,
        completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void
    ) { call(clients.count, completion) { self.broker.leave(clients, channel, completion: $0) } }

    func refresh(
        _ clients: [ExactText], _ channel: ChannelName,
        completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void
    ) { call(clients.count, completion) { self.broker.refresh(clients, channel, completion: $0) } }

    func reap(
        _ channel: ChannelName, completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void
    ) { call(0, completion) { self.broker.reap(channel, completion: $0) } }

    /// Gives all answers that are due.
    func answer() {
        let due = state.withLock { state in
            defer { state.answers = [] }
            return state.answers
        }
        for answer in due { answer() }
    }

    private func call(
        _ members: Int, _ completion: @escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void,
        _ body: (@escaping @Sendable (Result<PresenceChange, BrokerError>) -> Void) -> Void
    ) {
        let fate = state.withLock { state in
            state.calls.append(members)
            return Int.random(in: 0..<100, using: &state.random) < state.faults ? Int(state.random.next() % 2) : 2
        }
        let later: @Sendable (Result<PresenceChange, BrokerError>) -> Void = { result in
            self.state.withLock { $0.answers.append { completion(result) } }
        }
        switch fate {
        case 0: later(.failure(.unavailable))
        case 1: body { _ in later(.failure(.unknownOutcome)) }
        default: body(later)
        }
    }
}

/// A node's event loop, as far as presence goes.
final class PresenceModelNode {
    let store: FaultyStore
    let updater: PresenceUpdater
    let wheel: TimingWheel
    var wanted: Set<String> = []

    init(_ broker: MemoryBroker, rules: ChannelRulebook, clock: TurnedClock, seed: Int) {
        store = FaultyStore(broker, seed: seed)
        wheel = TimingWheel(now: clock.now)
        updater = PresenceUpdater(
            store: store, rules: rules, wheel: wheel, answers: Mailbox(wake: {}), metrics: LoopMetrics(),
            now: { clock.now })
    }
}
