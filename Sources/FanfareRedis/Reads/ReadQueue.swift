import NIOCore

/// Decides which read Redis gets next. Redis is one thread, so whatever it reads holds up everybody's publishes: only a
/// window of bytes is with it at a time, and the rest waits here.
///
/// Two lanes. `first` has what the node itself needs: the streams of its channels, without which nobody can subscribe,
/// and the members that it announces. `second` has what clients and backends ask for. `first` goes first, but every
/// eighth order is one of `second`, so neither starves. Within a lane the order is that of arrival, which is fair, because
/// a client has one read under way at a time.
///
/// A pure state machine; times are microseconds of the monotonic clock.
struct ReadQueue<Order> {
    /// Which of two queues an order waits in.
    enum Lane: Sendable {
        case first
        case second
    }

    private struct Waiting {
        let order: Order
        let cost: Int
        let until: UInt64
    }

    private var first = CircularBuffer<Waiting>()
    private var second = CircularBuffer<Waiting>()
    /// Orders of `first` since the last one of `second`.
    private var row = 0
    /// Bytes that Redis was asked for and has not sent yet.
    private(set) var outstanding = 0

    /// Orders that wait.
    var count: Int { first.count + second.count }

    /// Adds an order.
    ///
    /// - Parameters:
    ///   - cost: bytes of its reply, about.
    ///   - until: when it is too late for it.
    mutating func add(_ order: Order, cost: Int, lane: Lane, until: UInt64 = .max) {
        let waiting = Waiting(order: order, cost: max(1, cost), until: until)
        switch lane {
        case .first: first.append(waiting)
        case .second: second.append(waiting)
        }
    }

    /// The next order that may be sent now, and what ``answered(cost:)`` is to be told.
    mutating func next() -> (order: Order, cost: Int)? {
        let isSecond = first.isEmpty || row >= RedisBounds.ownReadsInARow && !second.isEmpty
        guard let head = isSecond ? second.first : first.first,
            outstanding == 0 || outstanding + head.cost <= RedisBounds.readWindowBytes
        else { return nil }
        if isSecond {
            second.removeFirst()
            row = 0
        } else {
            first.removeFirst()
            row += 1
        }
        outstanding += head.cost
        return (head.order, head.cost)
    }

    /// Redis has answered an order.
    mutating func answered(cost: Int) { outstanding = max(0, outstanding - cost) }

    /// Takes out the orders for which it is too late.
    mutating func overdue(now: UInt64) -> [Order] {
        var late: [Order] = []
        while let head = second.first, head.until <= now { late.append(second.removeFirst().order) }
        return late
    }

    /// The link is gone: takes out everything, and nothing is outstanding any more.
    mutating func empty() -> [Order] {
        let orders = first.map(\.order) + second.map(\.order)
        self = ReadQueue()
        return orders
    }
}
