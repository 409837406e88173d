import FanfareCore
import FanfareWire

/// What a client's request waits for before it is answered: subscriptions, and with several of them what comes for the first while
/// the others are on their way.
final class ClientOpening {
    /// Hears of each of them.
    let subscribed: (Result<SubscriptionStart, BrokerError>) -> Void
    private let limit: Int
    /// Frames that came, as the hub gave them.
    private(set) var held: [SplitFrame] = []
    private var heldBytes = 0
    /// Whether more came than is kept.
    private(set) var hasOverflowed = false

    /// - Parameter limit: bytes of frames that are kept; 0: none are, for the answer comes with the subscription.
    init(limit: Int = 0, _ subscribed: @escaping (Result<SubscriptionStart, BrokerError>) -> Void) {
        (self.limit, self.subscribed) = (limit, subscribed)
    }

    /// Publications came before the request is answered.
    func hold(_ frame: SplitFrame) {
        guard limit > 0, !hasOverflowed else { return }
        heldBytes += frame.readableBytes + Self.frameBytes
        guard heldBytes <= limit else {
            (hasOverflowed, held) = (true, [])
            return
        }
        held.append(frame)
    }
}
