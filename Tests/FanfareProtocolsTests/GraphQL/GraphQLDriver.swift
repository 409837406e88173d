import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore
@testable import FanfareProtocols

/// A session and a broker that answers as the test says.
struct GraphQLDriver {
    var session: GraphQLSession
    /// What channels begin with, by name; none: live, without history.
    var starts: [String: SubscriptionStart] = [:]
    /// What tokens say, by the token.
    var tokens: [String: ConnectClaims] = [:]
    var subscriptionTokens: [String: SubscriptionClaims] = [:]
    /// What the broker was asked for and the test has not answered.
    var asked: [SessionAction] = []
    /// Subscriptions that the hub has, by `channel#request`.
    private(set) var joined: [String: (codec: GraphQLCodec, lead: [UInt8])] = [:]
    /// Formats that the client let go of.
    private(set) var released: [ExactText] = []
    private(set) var heard: [String] = []
    /// The close code.
    private(set) var end: UInt16?
    /// Fields that are held back: what rates refuse.
    var refuses = false
    /// Whether there is room for an answer.
    var mayRead = true
    /// Messages for which there was room, whatever waits for the client.
    private(set) var credited = 0
    /// Whether the hub has no room for subscriptions.
    var refusesJoins = false
    /// Units of turns.
    private(set) var work = 0
    /// Reads that were charged beside those that rates ask for.
    private(set) var reads = 0
    /// The bytes that were counted for what a subscription missed, before it was written.
    private(set) var counted = 0

    static let now = TokenTime(wall: 1_000, monotonic: 1_000)

    init(
        _ subprotocol: GraphQLSubprotocol? = .transport, _ rules: ChannelRules = ChannelRules(),
        permissions: ClientPermissions = .publish, requestToken: String? = nil, channels: Int = 4
    ) {
        var policy = GraphQLSession.Policy(
            maxChannelNameBytes: 64, maxChannels: channels, permissions: permissions,
            channels: ChannelRulebook(plain: rules, namespaces: [:]))
        (policy.nodeName, policy.version) = ("n", "1")
        session = GraphQLSession(
            .init(policy), clientID: "c", subprotocol: subprotocol, requestToken: requestToken)
    }

    /// One operation of a request over HTTP.
    init(_ words: GraphQLWords, _ query: String, _ rules: ChannelRules = ChannelRules(), grants: Grants) {
        self.init(.transport, rules)
        session = GraphQLSession(session.shared, clientID: "c", GraphQLRequest(query: query), in: words, grants: grants)
    }

    /// One that was acknowledged.
    static func connected(
        _ subprotocol: GraphQLSubprotocol = .transport, _ rules: ChannelRules = ChannelRules(),
        permissions: ClientPermissions = .publish, channels: Int = 4
    ) -> GraphQLDriver {
        var client = GraphQLDriver(subprotocol, rules, permissions: permissions, channels: channels)
        #expect(client.send(#"{"type":"connection_init"}"#).first == #"{"type":"connection_ack"}"#)
        return client
    }

    /// The client sends this; returns what it hears.
    mutating func send(_ text: String) -> [String] {
        heard = []
        switch session.take(Payload(text: text)) {
        case .action(let action): carryOut(action)
        case .commands: goOn()
        }
        return heard
    }

    /// Begins an operation; returns what the client hears.
    mutating func start(_ id: String, _ query: String, variables: String = "{}") -> [String] {
        let type = session.words == .transport ? "subscribe" : "start"
        var text = ByteBuffer()
        JSONWriter.writeString(query, into: &text)
        return send(
            #"{"id":"\#(id)","type":"\#(type)","payload":{"query":\#(String(buffer: text)),"variables":\#(variables)}}"#
        )
    }

    /// What waited for room is begun.
    mutating func resume() -> [String] {
        (heard, mayRead) = ([], true)
        goOn()
        noteEnd()
        return heard
    }

    /// A client of one operation goes when it has taken everything.
    private mutating func noteEnd() { if session.isOver, end == nil { end = 1000 } }

    private mutating func goOn() {
        while end == nil {
            switch session.next(mayRead: mayRead) {
            case .perform(.graphQL(let command), let weight):
                work += weight
                reads += (command.ownRead?.reads ?? 1) - 1
                carryOut(
                    refuses && command.rate != nil
                        ? session.refuseForNow(command, wait: 1_500) : session.perform(command))
            case .fail(let action): carryOut(action)
            case .perform, .wait, .none: return
            }
        }
    }

    /// The broker answers.
    mutating func answer(_ body: (inout GraphQLSession) -> SessionAction) -> [String] {
        heard = []
        carryOut(body(&session))
        noteEnd()
        return heard
    }

    /// A publication comes.
    mutating func publish(_ channel: String, _ text: String) throws -> [String] {
        heard = []
        let publication = Publication(channel: try ChannelName(channel), payload: Payload(text: text))
        for (name, form) in joined.sorted(by: { $0.key < $1.key }) where name.hasPrefix("\(channel)#") {
            hear(form.codec.message(form.lead, publication))
        }
        return heard
    }

    private mutating func hear(_ body: Body) { heard.append(String(buffer: body.joined.bytes)) }

    private mutating func carryOut(_ action: SessionAction) {
        guard end == nil else { return }
        switch action {
        case .none, .dropped: break
        case .all(let actions): for action in actions { carryOut(action) }
        case .send(let body), .refuse(let body): hear(body)
        case .answer(let body):
            credited += 1
            hear(body)
        case .join(let request): subscribe(request)
        case .leave(let channel, let request): joined["\(channel)#\(request)"] = nil
        case .release(let format):
            #expect(!joined.values.contains { $0.codec.name == format }, "the hub has it")
            released.append(format)
        case .authenticate(let token, .connection):
            guard let claims = tokens[token] else { return carryOut(session.refused(.signature)) }
            decide(session.authenticated(claims, now: Self.now))
        case .authenticate(let token, .subscription):
            guard let claims = subscriptionTokens[token] else { return carryOut(session.refused(.expired)) }
            decide(session.authenticated(claims, now: Self.now))
        case .publish, .history, .presence: asked.append(action)
        case .disconnect(let disconnect, _): end = session.end(disconnect).code
        case .subscribe, .unsubscribe, .deliver, .announce, .presenceStats, .begin, .publishToOthers,
            .publishOnTerms:
            Issue.record("not of this protocol: \(action)")
        }
    }

    private mutating func decide(_ result: Result<[SessionAction], TokenRefusal>) {
        switch result {
        case .success(let actions): for action in actions { carryOut(action) }
        case .failure(let refusal): carryOut(session.refused(refusal))
        }
    }

    private mutating func subscribe(_ request: SubscriptionRequest) {
        let number = request.request ?? 0
        guard let subscription = session.subscriptions.first(where: { $0.number == number }),
            case .interned(_, _, let lead?) = request.form
        else {
            Issue.record("a subscription without a format: \(request)")
            return
        }
        joined["\(request.channel)#\(number)"] = (subscription.selection.codec, lead)
        var start = starts[request.channel.string] ?? SubscriptionStart()
        switch request.wish {
        case .none: (start.publications, start.isComplete) = ([], true)
        case .since(let place):
            start.publications.removeAll { ($0.position?.offset ?? 0) <= place.offset }
            start.isComplete = place.epoch == start.position?.epoch
        case .last(let count): start.publications = start.publications.suffix(count)
        }
        counted = session.size(of: start, number)
        guard !refusesJoins else {
            joined["\(request.channel)#\(number)"] = nil
            return carryOut(session.subscribeFailed(id: number, .tooManyFormats))
        }
        carryOut(session.subscribed(id: number, start))
    }

    /// A channel whose stream has these payloads.
    mutating func stream(_ channel: String, _ payloads: [String]) throws {
        let name = try ChannelName(channel)
        let publications = payloads.enumerated().map { index, text in
            Publication(
                channel: name, payload: Payload(text: text),
                position: StreamPosition(offset: UInt64(index + 1), epoch: "k3vx"))
        }
        starts[channel] = SubscriptionStart(
            position: StreamPosition(offset: UInt64(payloads.count), epoch: "k3vx"), publications: publications)
    }
}
