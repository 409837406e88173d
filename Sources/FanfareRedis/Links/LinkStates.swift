import FanfareCore
import Synchronization

/// The state of all links in one place that any thread may read.
final class LinkStates: Sendable {
    private struct State {
        var subscribe: String? = "not connected yet"
        var publish: String? = "not connected yet"
        var read: String? = "not connected yet"
        var probe: String? = "no probe came back yet"
    }

    /// What can be wrong.
    enum Part {
        /// The subscribing link and its channels.
        case subscribe
        /// The publishing link.
        case publish
        /// The reading link. A slow one is none of these problems, one that is gone is: nobody can come back then.
        case read
        /// The way through the first two.
        case probe
    }

    private let state = Mutex(State())

    /// Notes a problem, or with `nil` that there is none. Returns whether that is news.
    @discardableResult
    func set(_ part: Part, _ problem: String?) -> Bool {
        state.withLock { state in
            let path: WritableKeyPath<State, String?> =
                switch part {
                case .subscribe: \.subscribe
                case .publish: \.publish
                case .read: \.read
                case .probe: \.probe
                }
            let isNews = state[keyPath: path] != problem
            state[keyPath: path] = problem
            return isNews
        }
    }

    var status: BrokerStatus {
        state.withLock { state in
            if let problem = state.subscribe {
                return BrokerStatus(isUp: false, problem: "redis subscribe link: \(problem)")
            }
            if let problem = state.publish {
                return BrokerStatus(isUp: false, problem: "redis publish link: \(problem)")
            }
            if let problem = state.read {
                return BrokerStatus(isUp: false, problem: "redis read link: \(problem)")
            }
            if let problem = state.probe { return BrokerStatus(isUp: false, problem: "redis probe: \(problem)") }
            return BrokerStatus(isUp: true)
        }
    }
}
