import FanfareCore
import FanfareWire

/// What the admin port shows and uses of a node.
struct AdminContext: Sendable {
    var nodeName: String
    var version: String
    var metrics: NodeMetrics
    var limits: Limits
    var channels: ChannelRulebook = ChannelRulebook()
    var keepAlive: KeepAlive
    /// What the server API asks for.
    var keys = AdminKeys.none
    /// Names under which the port is reached beside that of its host.
    var names: [HostField] = []
    /// Notes in the log that a request was refused or a connection closed.
    var logRefusal: @Sendable (RefusalLog.Kind, String) -> Void = { _, _ in }
    /// Why tokens can't be checked yet.
    var tokenProblem: @Sendable () -> String? = { nil }
    /// Addresses that share limits now.
    var knownAddresses: @Sendable () -> Int = { 0 }
    /// Users that share limits now.
    var knownUsers: @Sendable () -> Int = { 0 }
    /// Requests of other nodes that wait for sessions here, and those that were refused.
    var sessionAnswering: @Sendable () -> (waiting: Int, refused: Int) = { (0, 0) }
    /// Has a command for clients carried out, on whichever nodes they are.
    var command:
        @Sendable (
            ClientCommand, CommandTarget, @escaping @Sendable (Result<CommandRelay.Outcome, ControlError>) -> Void
        ) -> Void = { $2(.success(CommandRelay.Outcome())) }
    /// What backends read.
    var reads = APIReads()
    var broker: any Broker
    /// `memory` or `redis`.
    var brokerName: String
    var isDraining: @Sendable () -> Bool
    var isAccepting: @Sendable () -> Bool
    /// Microseconds since 1970.
    var now: @Sendable () -> UInt64
}

/// Whether a node should get traffic, and all reasons why not.
struct Readiness: Sendable, Equatable {
    let problems: [String]

    var isReady: Bool { problems.isEmpty }

    init(isDraining: Bool, isAccepting: Bool, broker: BrokerStatus, tokenProblem: String?) {
        var problems: [String] = []
        if isDraining {
            problems.append("draining")
        } else if !isAccepting {
            problems.append("not accepting clients")
        }
        if !broker.isUp { problems.append(broker.problem ?? "broker is away") }
        if let tokenProblem { problems.append(tokenProblem) }
        self.problems = problems
    }

    init(_ context: AdminContext) {
        self.init(
            isDraining: context.isDraining(), isAccepting: context.isAccepting(), broker: context.broker.status,
            tokenProblem: context.tokenProblem())
    }
}
