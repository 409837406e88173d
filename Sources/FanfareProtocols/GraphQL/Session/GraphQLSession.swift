import FanfareCore
import FanfareWire
import NIOCore

/// What a GraphQL client may do when: messages in, actions out, no I/O and no clock.
///
/// One per client, on its event loop. A message is taken when the one before it was begun; what an operation asks the broker for is begun
/// field by field, so what waits is one operation's fields and no list of messages.
public struct GraphQLSession: Sendable {
    /// What is the same for all clients of a node.
    public struct Policy: Sendable {
        public var maxChannelNameBytes: Int
        /// Subscriptions of a client.
        public var maxChannels: Int
        /// Publications that a client may read at once.
        public var maxRecovery = 1_000
        /// What clients without a token may do.
        public var permissions: ClientPermissions
        /// What clients with one may do, where its capabilities say nothing.
        public var users = ClientPermissions.subscribe
        /// Whether tokens mean nothing here: on a node for a first try that has no keys.
        public var ignoresTokens = false
        public var channels: ChannelRulebook
        /// `node { name version }`.
        public var nodeName = "fanfare"
        public var version = ""

        public init(
            maxChannelNameBytes: Int, maxChannels: Int, permissions: ClientPermissions,
            channels: ChannelRulebook = ChannelRulebook()
        ) {
            self.maxChannelNameBytes = maxChannelNameBytes
            self.maxChannels = maxChannels
            self.permissions = permissions
            self.channels = channels
        }
    }

    /// A policy in memory that all its clients share.
    public final class SharedPolicy: Sendable {
        let policy: Policy

        public init(_ policy: Policy) { self.policy = policy }
    }

    /// One of the client's subscriptions.
    struct Subscription: Sendable {
        let id: ExactText
        /// Names it to the hub.
        let number: UInt32
        let channel: ChannelName
        let selection: GraphQLSelected
        /// What stands before each of its messages.
        let lead: [UInt8]
        /// Where the client was.
        let since: StreamPosition?
        /// What let it in, where that was a token: its own, or that of another subscription.
        let grant: SubscriptionGrant?

        /// Bytes of memory that it has for itself, about.
        var size: Int { 256 + lead.count + id.utf8.count }
    }

    let shared: SharedPolicy
    var policy: Policy { shared.policy }
    /// By which other clients and the operator know this one.
    public let clientID: String
    /// The token of the upgrade's request, for a `connection_init` without one.
    let requestToken: String?
    let words: GraphQLWords
    /// Whether a client on a WebSocket offered no subprotocol that is spoken here, and is told so.
    private let isUnspoken: Bool
    /// A message that came and is not begun.
    private var front: GraphQLMessage?
    /// Fields of the operation that came last, which are not begun.
    var steps: [GraphQLStep] = []
    /// Who the client is; `nil`: it is not acknowledged.
    var grants: Grants?
    private var hasInitialised = false
    /// Channels that its token names.
    var listed: [ServerSubscription] = []
    var subscriptions: [Subscription] = []
    /// What they select, by the names of its formats, and how many of them.
    var selections: [ExactText: (selection: GraphQLSelected, subscriptions: Int)] = [:]
    /// Bytes of memory that both have, about. They count among what the node keeps for its clients.
    var keptBytes = 0
    /// Queries and mutations whose answer is awaited, by their ids.
    var answers: [ExactText: GraphQLAnswer] = [:]
    /// What the broker was asked for, by the number of its answer.
    var calls: [UInt32: GraphQLStep] = [:]
    /// A subscription whose token is being checked.
    var asking: GraphQLStep?
    /// Whether the client is on its way out, and nothing counts any more.
    private(set) var hasFailed = false
    /// Whether its one operation has ended: its client goes when it has taken all that waits for it.
    var isOver = false
    /// Whether only what the client published counts.
    private var hasEnded = false
    private var lastNumber: UInt32 = 0

    /// - Parameters:
    ///   - subprotocol: `nil`: the client offered none that is spoken here.
    ///   - requestToken: of the upgrade's request.
    public init(
        _ shared: SharedPolicy, clientID: String, subprotocol: GraphQLSubprotocol?, requestToken: String? = nil
    ) {
        self.shared = shared
        self.clientID = clientID
        words = subprotocol?.words ?? .transport
        isUnspoken = subprotocol == nil
        self.requestToken = requestToken
    }

    /// One operation, that of a request over HTTP. Its client goes with it.
    ///
    /// - Parameters:
    ///   - words: events, or one answer.
    ///   - grants: what the request's token says, or who has none.
    ///   - listed: channels that the token names.
    public init(
        _ shared: SharedPolicy, clientID: String, _ request: GraphQLRequest, in words: GraphQLWords, grants: Grants,
        listed: [ServerSubscription] = []
    ) {
        self.shared = shared
        self.clientID = clientID
        self.words = words
        isUnspoken = false
        requestToken = nil
        front = .start(id: "", request)
        hasInitialised = true
        self.grants = grants
        self.listed = listed
    }

    /// Whether `connection_init` was acknowledged.
    public var isConnected: Bool { grants != nil }

    /// What others see of it in a channel.
    func info(in channel: ChannelName) -> ClientInfo {
        ClientInfo(
            client: ExactText(clientID), identity: grants?.identity, inChannel: grants?[channel]?.info)
    }

    // MARK: What comes

    /// A message came. It is begun when its turn comes.
    mutating func take(_ message: Payload) -> Session.Taken {
        guard !hasFailed else { return .commands(0) }
        guard !isUnspoken else { return .action(fail(.notAcceptable)) }
        do throws(GraphQLMessage.Problem) {
            front = try GraphQLMessage(message, words)
        } catch {
            front = .unknown(error)
        }
        return .commands(1)
    }

    /// What is no message ends the newer protocol; the older one has a message for it.
    private mutating func refuse(_ problem: GraphQLMessage.Problem) -> SessionAction {
        guard words == .legacy else { return fail(.badMessage(problem.reason)) }
        guard let id = problem.id, isConnected else {
            return .refuse(GraphQLWords.connectionError(problem.reason))
        }
        return refusal(id, [GraphQLError(problem.reason, .badUserInput)])
    }

    /// Whether something came that is not begun.
    var hasCommands: Bool { !hasFailed && (front != nil || !steps.isEmpty) }

    /// The next thing to begin.
    mutating func next(mayRead: Bool) -> Session.Next {
        guard !hasFailed else { return .none }
        while let step = steps.first {
            if hasEnded, step.field.name != "publish" {
                steps.removeFirst()
                continue
            }
            if step.isRead, !mayRead { return .wait }
            steps.removeFirst()
            return .perform(.graphQL(.step(step)), weight: step.weight)
        }
        guard let message = front.take() else { return .none }
        return .perform(.graphQL(.message(message)), weight: message.weight(withToken: requestToken != nil))
    }

    /// The client has ended its half: of what it sent, only what it published counts.
    mutating func keepPublications() { hasEnded = true }

    /// Begins a message or a field.
    public mutating func perform(_ request: GraphQLCommand) -> SessionAction {
        guard !hasFailed else { return .none }
        switch request {
        case .step(let step): return begin(step)
        case .message(.connect(let token)): return connect(token)
        case .message(.ping(let payload)): return .send(GraphQLWords.pong(payload))
        case .message(.pong): return .none
        case .message(.start(let id, let request)): return start(id, request)
        case .message(.stop(let id)): return stop(id)
        case .message(.unknown(let problem)): return refuse(problem)
        case .message(.terminate):
            hasFailed = true
            return .disconnect(.normal)
        }
    }

    /// Refuses a field that came too early.
    ///
    /// - Parameter wait: microseconds until it would have been in time.
    mutating func refuseForNow(_ request: GraphQLCommand, wait: UInt64) -> SessionAction {
        guard case .step(let step) = request else { return .none }
        let milliseconds = wait / 1_000 + (wait % 1_000 == 0 ? 0 : 1)
        let error = GraphQLError("too many requests, try again in \(milliseconds) ms", .tryAgainLater)
        return .all([.dropped, finish(step, .failure(error))])
    }

    /// Ends the client with a code of the protocol.
    mutating func fail(_ end: Disconnect) -> SessionAction {
        guard !hasFailed else { return .none }
        hasFailed = true
        steps = []
        return .disconnect(end, reason: end.reason)
    }

    /// The sign of life of the older protocol, once it began.
    var ping: Body? { words == .legacy && isConnected ? GraphQLWords.keepAlive : nil }

    // MARK: connection_init

    private mutating func connect(_ token: String?) -> SessionAction {
        guard !hasInitialised else { return fail(.tooManyRequests) }
        hasInitialised = true
        if let token = token ?? requestToken, !policy.ignoresTokens { return .authenticate(token, .connection) }
        return welcome(Grants(anonymous: policy.permissions))
    }

    mutating func welcome(_ grants: Grants) -> SessionAction {
        guard grants.mayConnect else { return forbid("Forbidden") }
        self.grants = grants
        guard words == .legacy else { return .send(GraphQLWords.acknowledged) }
        return .all([.send(GraphQLWords.acknowledged), .send(GraphQLWords.keepAlive)])
    }

    /// The client's `connection_init` is not accepted.
    mutating func forbid(_ reason: String) -> SessionAction {
        guard words == .legacy else { return fail(.forbidden(reason)) }
        let word = SessionAction.refuse(GraphQLWords.connectionError(reason))
        return .all([word, fail(.forbidden(reason))])
    }

    /// Whether the token that is being checked is the connection's.
    var isAskingToConnect: Bool { hasInitialised && grants == nil && asking == nil }

    /// A number that nothing under way has.
    mutating func makeNumber() -> UInt32 {
        lastNumber = lastNumber == .max ? 1 : lastNumber + 1
        return lastNumber
    }
}

/// What may begin.
public struct GraphQLStep: Sendable, Equatable {
    /// Of its operation.
    let id: ExactText
    /// At the top of its operation.
    let field: GraphQLPlanField
    /// Its place there; `nil`: it is that of a subscription.
    let place: Int?
    /// Whether the newest of what is read come first.
    var isReversed = false

    /// Whether its answer may be big: there has to be room for it.
    var isRead: Bool { field.isRead || field.name == "channel" }

    var weight: Int {
        switch field.name {
        case "channel": field.arguments["token"] == nil ? 2 : Turn.token
        default: field.isIntrospection ? GraphQLBounds.introspectionWork : 2
        }
    }

    /// To which rate it is held.
    var rate: ClientRate? {
        switch field.name {
        case "channel": .subscriptions
        case "publish": .publications
        default: .reads
        }
    }
}

/// A message, or one field of the operation in it.
public enum GraphQLCommand: Sendable {
    case message(GraphQLMessage)
    case step(GraphQLStep)

    /// To which rate it is held.
    var rate: ClientRate? { if case .step(let step) = self { step.rate } else { nil } }

    /// What it counts as read at least, where it may be answered at once with something that does; `nil`: it may not.
    var ownRead: ReadCost? {
        guard case .step(let step) = self, step.field.isRead else { return nil }
        return ReadCost(items: step.field.isIntrospection ? GraphQLBounds.introspectionItems : 0)
    }
}

extension GraphQLMessage {
    /// How much of a turn it takes: a document is read, checked and compiled at once.
    fileprivate func weight(withToken: Bool) -> Int {
        switch self {
        case .connect(let token): token != nil || withToken ? Turn.token : 1
        case .start(_, let request):
            2 + request.query.utf8.count / GraphQLBounds.bytesPerUnit
                + (request.variables?.bytes.readableBytes ?? 0) / GraphQLBounds.variableBytesPerUnit
        case .ping, .pong, .stop, .terminate, .unknown: 1
        }
    }
}
