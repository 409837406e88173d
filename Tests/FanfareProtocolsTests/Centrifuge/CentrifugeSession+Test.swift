@testable import FanfareProtocols

extension CentrifugeSession {
    /// A session with a policy of its own.
    init(policy: Policy, clientID: String = "c") { self.init(SharedPolicy(policy), clientID: clientID) }
}
