import Synchronization

/// Histories and members that backends are given now. Each is some megabytes, as the broker has it and as text, until its reader
/// has taken it, so only a few are under way at a time and others wait for a moment. Any thread.
final class APIReads: Sendable {
    /// A place among them, given back when nobody holds it any more.
    final class Place: Sendable {
        private let reads: APIReads

        fileprivate init(_ reads: APIReads) { self.reads = reads }

        deinit { reads.leave() }
    }

    private struct State {
        var taken = 0
        var lastID: UInt64 = 0
        /// Those who wait, the first to come first.
        var waiting: [Waiter] = []
    }

    private struct Waiter {
        let id: UInt64
        let continuation: CheckedContinuation<Bool, Never>
        /// Ends its patience.
        var alarm: Task<Void, Never>?
    }

    private let limit: Int
    private let patience: Duration
    private let state = Mutex(State())

    /// - Parameters:
    ///   - limit: most reads under way.
    ///   - patience: for how long another one waits.
    init(limit: Int = APIReads.most, patience: Duration = APIReads.patience) {
        self.limit = limit
        self.patience = patience
    }

    /// Reads under way.
    var count: Int { state.withLock(\.taken) }

    /// Those who wait.
    var waitingCount: Int { state.withLock(\.waiting.count) }

    /// Takes a place, or waits for one; `nil`: there was none in time.
    func enter() async -> Place? {
        let hasOne = await withCheckedContinuation { continuation in
            let id: UInt64? = state.withLock { state in
                guard state.taken >= limit else {
                    state.taken += 1
                    return nil
                }
                state.lastID += 1
                let (id, patience) = (state.lastID, self.patience)
                let alarm = Task {
                    guard (try? await Task.sleep(for: patience)) != nil else { return }
                    giveUp(id)
                }
                state.waiting.append(Waiter(id: id, continuation: continuation, alarm: alarm))
                return id
            }
            if id == nil { continuation.resume(returning: true) }
        }
        return hasOne ? Place(self) : nil
    }

    /// A place is free: the next one has it.
    private func leave() {
        let next = state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.taken -= 1
                return Waiter?.none
            }
            return state.waiting.removeFirst()
        }
        next?.alarm?.cancel()
        next?.continuation.resume(returning: true)
    }

    private func giveUp(_ id: UInt64) {
        let late = state.withLock { state in
            state.waiting.firstIndex { $0.id == id }.map { state.waiting.remove(at: $0).continuation }
        }
        late?.resume(returning: false)
    }
}

extension ServerAPI {
    /// A place for a read whose answer may be big. Whoever makes the answer gives it along (``APIAnswer/place``).
    func placeToRead() async throws(APIFailure) -> APIReads.Place {
        guard let place = await context.reads.enter() else {
            throw APIFailure(
                status: 503, code: 100, message: "too many answers are under way to those who read, try again")
        }
        return place
    }
}
