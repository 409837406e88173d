/// What one client has sent lately, held against ``ClientRates``. One per client, on its event loop; no I/O and no clock:
/// times are microseconds of the monotonic clock.
///
/// There are two answers to a client that is too fast. What came already is handled and charged, also beyond the bucket; then
/// the client is not read before ``until``, so nothing is lost and TCP holds it back. Where its protocol can say no, it is
/// refused what it asks for, and told when to ask again.
public struct Throttle: Sendable {
    private var messages = RateLimit()
    private var bytes = RateLimit()
    private var publications = RateLimit()
    private var subscriptions = RateLimit()
    private var reads = RateLimit()
    /// Before then the client is not read.
    public private(set) var until: UInt64 = 0
    /// Which rate it was that made it so.
    public private(set) var cause = ClientRate.messages

    public init() {}

    /// Whether the client is not read now.
    public func holds(now: UInt64) -> Bool { now < until }

    /// So many bytes came from the socket.
    public mutating func read(bytes count: Int, _ rates: ClientRates, now: UInt64) {
        guard let rate = rates.bytes else { return }
        bytes.charge(count, of: rate, now: now)
        hold(bytes.wait(of: rate, now: now), for: .bytes, now: now)
    }

    /// A message of so many commands came.
    public mutating func message(commands count: Int = 1, _ rates: ClientRates, now: UInt64) {
        guard let rate = rates.messages else { return }
        messages.charge(max(1, count), of: rate, now: now)
        hold(messages.wait(of: rate, now: now), for: .messages, now: now)
    }

    /// A publication came from a client to which nothing can be refused.
    public mutating func publication(_ rates: ClientRates, now: UInt64) {
        guard let rate = rates.publications else { return }
        publications.charge(1, of: rate, now: now)
        hold(publications.wait(of: rate, now: now), for: .publications, now: now)
    }

    /// A read brought so much, and was charged as one when it was asked for. What is too much is a debt, so the client's next read
    /// has to wait for longer.
    public mutating func answered(_ cost: ReadCost, _ rates: ClientRates, now: UInt64) {
        guard let rate = rates.reads, cost.reads > 1 else { return }
        reads.charge(cost.reads - 1, of: rate, now: now)
    }

    /// A subscription had so much read of what its client missed. Nothing could be refused, so a client in debt is not read for a
    /// while; what counts as one read is free.
    public mutating func recovered(_ cost: ReadCost, _ rates: ClientRates, now: UInt64) {
        guard let rate = rates.reads, cost.reads > 1 else { return }
        answered(cost, rates, now: now)
        hold(reads.wait(of: rate, now: now), for: .reads, now: now)
    }

    /// The client has something read that can't be refused: who is too fast, or in debt, waits for its next one.
    public mutating func readOn(_ rates: ClientRates, now: UInt64) {
        guard let rate = rates.reads else { return }
        reads.charge(1, of: rate, now: now)
        hold(reads.wait(of: rate, now: now), for: .reads, now: now)
    }

    /// Somebody's rate asks the client to wait so many microseconds.
    public mutating func hold(_ wait: UInt64, for cause: ClientRate, now: UInt64) {
        guard wait > 0, now + wait > until else { return }
        until = now + wait
        self.cause = cause
    }

    /// The client asks for something that may be refused; where it must be, the microseconds until it need not.
    public mutating func ask(_ what: ClientRate, _ rates: ClientRates, now: UInt64) -> UInt64? {
        switch what {
        case .publications: Self.take(&publications, rates.publications, now)
        case .subscriptions: Self.take(&subscriptions, rates.subscriptions, now)
        case .reads: Self.take(&reads, rates.reads, now)
        case .messages, .bytes, .userMessages, .userPublications: nil
        }
    }

    private static func take(_ limit: inout RateLimit, _ rate: Rate?, _ now: UInt64) -> UInt64? {
        guard let rate, !limit.take(of: rate, now: now) else { return nil }
        return max(1, limit.wait(of: rate, now: now))
    }
}
