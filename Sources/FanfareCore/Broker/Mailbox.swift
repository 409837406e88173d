import Synchronization

/// Events from other threads for one event loop: however many are posted between two visits, the loop is woken once.
///
/// Bounded by weight where the poster gives one: a loop that does not keep up makes its posters drop, not the node grow.
public final class Mailbox<Event: Sendable>: Sendable {
    private struct State {
        var events: [Event] = []
        var weight = 0
        var woken = false
    }

    private let state = Mutex(State())
    private let wake: @Sendable () -> Void

    /// - Parameter wake: makes the owner call ``take()`` soon, on its own loop. Called outside the lock.
    public init(wake: @escaping @Sendable () -> Void) {
        self.wake = wake
    }

    /// Adds one event, and what it weighs: bytes, where the poster bounds them. Any thread.
    public func post(_ event: Event, weight: Int = 0) {
        let first = state.withLock { state in
            state.events.append(event)
            state.weight += weight
            defer { state.woken = true }
            return !state.woken
        }
        if first { wake() }
    }

    /// Adds a burst with one wake-up at most. Any thread.
    public func post(contentsOf burst: [Event]) {
        guard !burst.isEmpty else { return }
        let first = state.withLock { state in
            state.events.append(contentsOf: burst)
            defer { state.woken = true }
            return !state.woken
        }
        if first { wake() }
    }

    /// Adds a burst of that weight, unless more than `limit` would wait. Returns whether it was added. Any thread.
    public func post(contentsOf burst: [Event], weight: Int, limit: Int) -> Bool {
        let (isAdded, isFirst) = state.withLock { state in
            guard state.weight == 0 || state.weight + weight <= limit else { return (false, false) }
            state.events.append(contentsOf: burst)
            state.weight += weight
            defer { state.woken = true }
            return (true, !state.woken)
        }
        if isFirst { wake() }
        return isAdded
    }

    /// Whether a burst of that weight would be added. Stays true until somebody posts. Any thread.
    public func hasRoom(for weight: Int, limit: Int) -> Bool {
        state.withLock { $0.weight == 0 || $0.weight + weight <= limit }
    }

    /// The same into an array that is empty, whose room then serves the next events: no allocation. The owner's loop only.
    public func take(into events: inout [Event]) {
        state.withLock { state in
            swap(&state.events, &events)
            state.weight = 0
            state.woken = false
        }
    }

    /// Everything posted since the last visit, in order. The owner's loop only.
    public func take() -> [Event] {
        state.withLock { state in
            let events = state.events
            state.events = []
            state.weight = 0
            state.woken = false
            return events
        }
    }
}
