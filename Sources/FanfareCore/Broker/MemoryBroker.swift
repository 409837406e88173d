import FanfareWire
import Synchronization

/// The broker of a node that stands alone: publications go from loop to loop in memory. Never down, keeps nothing.
///
/// Posting happens under the lock, so that two loops see the publications of a channel in the same order.
public final class MemoryBroker: Broker {
    private struct State {
        var receivers: [Mailbox<BrokerEvent>] = []
        /// Channel → bit mask of the receivers that want it.
        var wanted: [ChannelName: UInt64] = [:]
    }

    private let state = Mutex(State())
    private let formats: FormatsInUse
    private let metrics: BrokerMetrics
    private let clock: NodeClock

    public init(formats: FormatsInUse, metrics: BrokerMetrics, clock: NodeClock = .system) {
        self.formats = formats
        self.metrics = metrics
        self.clock = clock
    }

    public var status: BrokerStatus { BrokerStatus(isUp: true) }

    public func start(receivers: [Mailbox<BrokerEvent>]) {
        state.withLock { $0.receivers = receivers }
    }

    public func subscribe(_ channel: ChannelName, receiver: Int, ticket: UInt64) {
        state.withLock { state in
            let before = state.wanted[channel, default: 0]
            state.wanted[channel] = before | 1 << UInt64(receiver)
            if before == 0 { metrics.counters.addShared(.channels) }
            state.receivers[receiver].post(.subscribed(channel, ticket: ticket))
        }
    }

    public func unsubscribe(_ channel: ChannelName, receiver: Int) {
        state.withLock { state in
            guard let before = state.wanted[channel] else { return }
            let after = before & ~(1 << UInt64(receiver))
            state.wanted[channel] = after == 0 ? nil : after
            if after == 0 { metrics.counters.addShared(.channels, -1) }
        }
    }

    public func publish(
        _ publication: Publication,
        completion: @escaping @Sendable (Result<Void, BrokerError>) -> Void
    ) {
        let prepared = PreparedPublication(
            publication,
            formats: formats.current,
            receivedAt: clock.wallMicroseconds()
        )
        state.withLock { state in
            var mask = state.wanted[publication.channel] ?? 0
            while mask != 0 {
                state.receivers[mask.trailingZeroBitCount].post(.publication(prepared))
                mask &= mask - 1
            }
        }
        metrics.counters.addShared(.published)
        metrics.counters.addShared(.received)
        completion(.success(()))
    }

    public func shutdown() async {}
}
