import FanfareCore
import Synchronization

/// Collects the broker's answers to several publishes, in whatever order they come. Any thread.
final class BrokerAnswers: Sendable {
    private struct State {
        var results: [Result<PublishReceipt, BrokerError>]
        var missing: Int
    }

    private let state: Mutex<State>

    /// - Parameter count: answers to wait for, at least one; the broker gives each exactly once.
    init(count: Int) {
        state = Mutex(State(results: .init(repeating: .failure(.unknownOutcome), count: count), missing: count))
    }

    /// Takes one answer; all of them when it was the last.
    func note(_ result: Result<PublishReceipt, BrokerError>, at index: Int) -> [Result<PublishReceipt, BrokerError>]? {
        state.withLock { state in
            state.results[index] = result
            state.missing -= 1
            return state.missing == 0 ? state.results : nil
        }
    }
}

extension ServerAPI {
    /// What the broker answers to one question.
    func result<Value: Sendable>(
        _ ask: (@escaping @Sendable (Result<Value, BrokerError>) -> Void) -> Void
    ) async throws(APIFailure) -> Value {
        let result = await withCheckedContinuation { continuation in ask { continuation.resume(returning: $0) } }
        return try result.mapError(APIFailure.broker).get()
    }
}
