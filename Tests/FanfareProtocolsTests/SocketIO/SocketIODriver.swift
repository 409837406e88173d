import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore
@testable import FanfareProtocols

/// A session and a broker that answers as the test says; what the client hears is text.
struct SocketIODriver {
    var session: SocketIOSession
    /// What channels begin with, by name; none: live, without history.
    var starts: [String: SubscriptionStart] = [:]
    /// Subscriptions that the hub has, as `channel#request`.
    var joined: [String] = []
    /// What tokens say, by the token.
    var tokens: [String: ConnectClaims] = [:]
    /// What the broker was asked for and the test has not answered.
    var asked: [SessionAction] = []
    /// What is published in channels as soon as they are in force, by name: a payload and its offset.
    var meanwhile: [String: (text: String, offset: UInt64)] = [:]
    /// What turns after the first brought of what it missed, in messages.
    private(set) var turns: [Int] = []
    /// What a backend does to it before the second turn.
    var betweenTurns: ((inout SocketIOSession) -> [SessionAction]?)?
    /// Bytes that its recoveries were charged.
    private(set) var charged = 0
    private(set) var heard: [String] = []
    private(set) var end: Disconnect?

    static let now = TokenTime(wall: 1_000, monotonic: 1_000)

    init(
        _ rules: ChannelRules = ChannelRules(), _ namespaces: [ExactText: ChannelRules] = [:],
        permissions: ClientPermissions = .publish, requestToken: String? = nil, channels: Int = 4,
        opensRooms: Bool = false
    ) {
        var policy = SocketIOSession.Policy(
            maxChannelNameBytes: 64, maxChannels: channels, maxMessageBytes: 1_000, permissions: permissions,
            channels: ChannelRulebook(plain: rules, namespaces: namespaces),
            socketID: { opensRooms ? "~\($0.prefix(19))" : "sid of \($0.prefix(4))" })
        policy.opensRooms = opensRooms
        session = SocketIOSession(.init(policy), clientID: "c", requestToken: requestToken, now: Self.now)
    }

    /// The client sends this; returns what it hears.
    mutating func send(_ text: String, attachments: [String] = []) -> [String] {
        heard = []
        feed(Payload(text: text))
        for attachment in attachments { feed(Payload(kind: .binary, bytes: ByteBuffer(string: attachment))) }
        return heard
    }

    private mutating func feed(_ message: Payload) {
        switch session.take(message) {
        case .action(let action): carryOut(action)
        case .commands:
            while case .perform(.socketIO(let command), _) = session.next(mayRead: true) {
                carryOut(session.perform(command))
            }
        }
    }

    /// The broker answers.
    mutating func answer(_ body: (inout SocketIOSession) -> SessionAction) -> [String] {
        heard = []
        carryOut(body(&session))
        return heard
    }

    /// A publication of a channel with a position of its own comes.
    mutating func publish(
        _ channel: String, _ text: String, _ position: StreamPosition? = nil, unless: [String] = []
    ) -> [String] {
        heard = []
        let publication = Publication(
            channel: try! ChannelName(channel), payload: Payload(text: text), position: position,
            metadata: PublicationMetadata(unless: unless.compactMap { try? ChannelName($0) }))
        let body = SocketIOPositionedCodec().body(publication)
        for lead in leads where lead.channel == channel {
            if let message = session.personal(SplitFrame(head: ByteBuffer(bytes: lead.lead), body: body.bytes)) {
                hear(message)
            }
        }
        return heard
    }

    private var leads: [(channel: String, lead: [UInt8])] = []
    /// Subscriptions of a CONNECT that are not begun.
    private var starting: [SubscriptionRequest] = []
    /// What came before the answer to a CONNECT.
    private var early: [SplitFrame] = []

    /// Publications that come as soon as a channel is in force wait for the answer to the CONNECT.
    private mutating func hearMeanwhile(_ request: SubscriptionRequest) {
        if let (text, offset) = meanwhile[request.channel.string] {
            let publication = Publication(
                channel: request.channel, payload: Payload(text: text), position: .init(offset: offset, epoch: "k3vx"))
            if case .personal(_, let lead) = request.form {
                early.append(
                    SplitFrame(head: ByteBuffer(bytes: lead), body: SocketIOPositionedCodec().body(publication).bytes))
            } else {
                early.append(SplitFrame(body: SocketIOCodec(namespace: "/", isGuarded: true).body(publication).bytes))
            }
        }
        guard !session.isConnecting else { return }
        for frame in early {
            if frame.head.readableBytes == 0 {
                heard.append(String(buffer: frame.body))
            } else if let message = session.personal(frame) {
                hear(message)
            }
        }
        early = []
    }

    private mutating func hear(_ body: Body) {
        heard.append(body.text + body.attachments.map { "+" + String(buffer: $0) }.joined())
    }

    private mutating func carryOut(_ action: SessionAction) {
        guard end == nil else { return }
        switch action {
        case .none: break
        case .all(let actions): for action in actions { carryOut(action) }
        case .dropped: heard.append("dropped")
        case .send(let body), .refuse(let body), .answer(let body): hear(body)
        case .join(let request): subscribe(request)
        case .begin(let requests, _):
            starting = requests.filter { !$0.isLast } + requests.filter(\.isLast)
            while !starting.isEmpty { subscribe(starting.removeFirst()) }
        case .leave(let channel, let request):
            starting.removeAll { $0.request == request }
            joined.removeAll { $0 == "\(channel)#\(request)" }
            leads.removeAll { $0.channel == channel.string }
        case .authenticate(let token, .connection):
            guard let claims = tokens[token] else { return carryOut(session.refused(.signature)) }
            switch session.authenticated(claims, now: Self.now) {
            case .success(let actions): for action in actions { carryOut(action) }
            case .failure(let refusal): carryOut(session.refused(refusal))
            }
        case .authenticate(_, .subscription): carryOut(session.refused(.expired))
        case .publish, .history, .presence, .presenceStats: asked.append(action)
        case .disconnect(let disconnect, _): end = disconnect
        case .subscribe, .unsubscribe, .deliver, .announce, .publishToOthers, .publishOnTerms, .release:
            Issue.record("not of this protocol: \(action)")
        }
    }

    private mutating func subscribe(_ request: SubscriptionRequest) {
        let number = request.request ?? 0
        joined.append("\(request.channel)#\(number)")
        defer { hearMeanwhile(request) }
        if case .personal(_, let lead) = request.form { leads.append((request.channel.string, lead)) }
        guard var start = starts[request.channel.string] else {
            return subscribed(number, SubscriptionStart())
        }
        switch request.wish {
        case .none: (start.publications, start.isComplete) = ([], true)
        case .since(let place):
            start.publications.removeAll { ($0.position?.offset ?? 0) <= place.offset }
            start.isComplete = place.epoch == start.position?.epoch
        case .last(let count): start.publications = start.publications.suffix(count)
        }
        charged += session.size(of: start, number)
        subscribed(number, start)
    }

    private mutating func subscribed(_ number: UInt32, _ start: SubscriptionStart) {
        carryOut(session.subscribed(id: number, start))
        while session.isCatchingUp, end == nil {
            if let body = betweenTurns {
                betweenTurns = nil
                for action in body(&session) ?? [] { carryOut(action) }
                continue
            }
            let before = heard.count
            carryOut(session.catchUp())
            turns.append(heard.count - before)
        }
    }

    /// A channel whose stream has these payloads.
    mutating func stream(_ channel: String, _ payloads: [String], epoch: String = "k3vx") {
        let publications = payloads.enumerated().map { index, text in
            Publication(
                channel: try! ChannelName(channel), payload: Payload(text: text),
                position: StreamPosition(offset: UInt64(index + 1), epoch: epoch))
        }
        starts[channel] = SubscriptionStart(
            position: StreamPosition(offset: UInt64(payloads.count), epoch: epoch), publications: publications)
    }

    /// A token for these channels.
    mutating func token(_ token: String, user: ExactText = "u", channels: [ExactText] = []) {
        var claims = ConnectClaims()
        claims.user = user
        claims.subscriptions = channels.map { ServerSubscription(channel: $0) }
        tokens[token] = claims
    }
}
