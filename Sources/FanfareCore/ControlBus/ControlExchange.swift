import FanfareWire

/// The requests of this node that wait for answers: who waits, for which nodes, until when. A pure state machine.
struct ControlExchange<Waiter> {
    /// A request that waits no longer.
    struct Finished {
        let waiter: Waiter
        /// In the order in which they came.
        let answers: [ControlAnswer]
        /// Nodes that did not answer.
        let missing: Set<NodeID>
        /// Whether time ran out, and not the nodes.
        var isLate = false
    }

    private struct Request {
        let waiter: Waiter
        let until: UInt64
        var answers: [ControlAnswer] = []
        /// Nodes that have not answered.
        var expected: Set<NodeID>
        /// Nodes that will not.
        var lost: Set<NodeID> = []
    }

    private var requests: [UInt64: Request] = [:]
    private var last: UInt64
    /// No request's time runs out before; an answer does not move it.
    private var earliest: UInt64 = .max

    /// - Parameter last: the number before the first request's.
    init(last: UInt64 = 0) { self.last = last }

    var count: Int { requests.count }

    /// A number for a message that wants no answer.
    mutating func nextNumber() -> UInt64 {
        last &+= 1
        return last
    }

    /// A request begins. Returns its number; `nil` when too many wait.
    ///
    /// - Parameters:
    ///   - expected: who has to answer; not empty.
    ///   - until: microseconds of the monotonic clock.
    mutating func begin(_ waiter: Waiter, expecting expected: Set<NodeID>, until: UInt64) -> UInt64? {
        guard requests.count < ControlBounds.requests else { return nil }
        let number = nextNumber()
        requests[number] = Request(waiter: waiter, until: until, expected: expected)
        earliest = min(earliest, until)
        return number
    }

    /// An answer came. Returns the request when it was the last one that it waited for; an answer to nothing, or from a node
    /// that was not asked or has answered, changes nothing.
    mutating func answered(_ number: UInt64, by node: NodeID, _ answer: ControlAnswer) -> Finished? {
        guard var request = requests[number], request.expected.remove(node) != nil else { return nil }
        request.answers.append(answer)
        requests[number] = request
        return request.expected.isEmpty ? finish(number) : nil
    }

    /// A request ends with what it has.
    mutating func finish(_ number: UInt64) -> Finished? {
        guard let request = requests.removeValue(forKey: number) else { return nil }
        if requests.isEmpty { earliest = .max }
        return Finished(
            waiter: request.waiter, answers: request.answers, missing: request.expected.union(request.lost))
    }

    /// That node will answer nothing any more. Returns the requests that wait for no other one.
    mutating func gone(_ node: NodeID) -> [Finished] {
        let asked = requests.filter { $0.value.expected.contains(node) }.keys
        return asked.compactMap { number in
            requests[number]?.expected.remove(node)
            requests[number]?.lost.insert(node)
            return requests[number]?.expected.isEmpty == true ? finish(number) : nil
        }
    }

    /// A node can't be reached any more, though it may have done what it was asked: as ``gone(_:)``, but for those who wait their time
    /// has run out.
    mutating func deaf(_ node: NodeID) -> [Finished] {
        gone(node).map { finished in
            var finished = finished
            finished.isLate = true
            return finished
        }
    }

    /// All nodes that owe an answer.
    var awaited: Set<NodeID> { requests.values.reduce(into: []) { $0.formUnion($1.expected) } }

    /// Requests whose time has run out.
    mutating func expire(now: UInt64) -> [Finished] {
        guard earliest <= now else { return [] }
        let over = requests.filter { $0.value.until <= now }.keys
        earliest = requests.values.lazy.map(\.until).filter { $0 > now }.min() ?? .max
        return over.compactMap { number in
            finish(number).map { finished in
                var finished = finished
                finished.isLate = true
                return finished
            }
        }
    }

    /// All of them.
    mutating func stop() -> [Finished] { requests.keys.compactMap { finish($0) } }
}
