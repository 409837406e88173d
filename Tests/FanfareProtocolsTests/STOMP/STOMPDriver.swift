import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore
@testable import FanfareProtocols

/// A session and a broker that answers as the test says; what the client hears is text, with `^` for NUL.
struct STOMPDriver {
    var session: STOMPSession
    /// What channels begin with, by name; none: live, without history.
    var starts: [String: SubscriptionStart] = [:]
    /// Subscriptions that the hub has, as `channel#request`.
    private(set) var joined: [String] = []
    /// Whether subscriptions wait for ``settle()``.
    var holdsJoins = false
    private var held: [SubscriptionRequest] = []
    /// Whether frames that come wait for ``goOn()``.
    var holdsFrames = false
    /// What tokens say, by the token.
    var tokens: [String: ConnectClaims] = [:]
    var subscriptionTokens: [String: SubscriptionClaims] = [:]
    /// What the broker was asked for and the test has not answered.
    var asked: [SessionAction] = []
    private(set) var heard: [String] = []
    private(set) var end: Disconnect?
    private var leads: [(channel: String, request: UInt32, form: SubscriptionForm)] = []
    private var clock: Int64 = 0
    /// Whether a read may begin.
    var mayRead = true

    static let now = TokenTime(wall: 1_000, monotonic: 1_000)

    init(
        _ rules: ChannelRules = ChannelRules(), _ namespaces: [ExactText: ChannelRules] = [:],
        permissions: ClientPermissions = .publish, subprotocol: STOMPVersion = .v12, requestToken: String? = nil,
        channels: Int = 4, frames: Int = 512, heartBeat: UInt64 = 25_250
    ) {
        var policy = STOMPSession.Policy(
            maxChannelNameBytes: 64, maxChannels: channels, maxMessageBytes: 1_000, permissions: permissions,
            channels: ChannelRulebook(plain: rules, namespaces: namespaces))
        (policy.heartBeat, policy.maxFrames) = (heartBeat, frames)
        session = STOMPSession(.init(policy), clientID: "c", subprotocol: subprotocol, requestToken: requestToken)
    }

    /// One that has connected with this version.
    static func connected(
        _ version: STOMPVersion = .v12, _ rules: ChannelRules = ChannelRules(),
        _ namespaces: [ExactText: ChannelRules] = [:], permissions: ClientPermissions = .publish, channels: Int = 4
    ) -> STOMPDriver {
        var client = STOMPDriver(rules, namespaces, permissions: permissions, channels: channels)
        #expect(client.send("CONNECT\naccept-version:\(version.rawValue)\n\n^").count == 1)
        return client
    }

    /// The client sends this, with `^` for NUL; returns what it hears.
    mutating func send(_ text: String) -> [String] {
        heard = []
        feed(text)
        return heard
    }

    mutating func feed(_ text: String) {
        let bytes = text.utf8.map { $0 == UInt8(ascii: "^") ? 0 : $0 }
        switch session.take(Payload(kind: .text, bytes: ByteBuffer(bytes: bytes))) {
        case .action(let action): carryOut(action)
        case .commands: if !holdsFrames { goOn() }
        }
    }

    /// Begins what may begin.
    mutating func goOn() {
        while end == nil {
            switch session.next(mayRead: mayRead) {
            case .perform(.stomp(let request), _): carryOut(session.perform(request))
            case .fail(let action): carryOut(action)
            case .perform, .wait, .none: return
            }
        }
    }

    /// Time passes: so many looks at what waits for an ACK.
    mutating func wait(_ looks: Int, isBehind: Bool = false) -> [String] {
        heard = []
        for _ in 0..<looks {
            clock += session.policy.ackCheckSeconds
            let now = TokenTime(wall: 1_000 + clock, monotonic: 1_000 + clock)
            for action in session.expire(now, isBehind: isBehind) { carryOut(action) }
        }
        return heard
    }

    /// The broker answers.
    mutating func answer(_ body: (inout STOMPSession) -> SessionAction) -> [String] {
        heard = []
        carryOut(body(&session))
        return heard
    }

    /// A publication comes.
    ///
    /// - Parameter offset: its place, in a channel with a stream.
    mutating func publish(
        _ channel: String, _ text: String, offset: UInt64? = nil, tags: [PublicationTags.Tag] = []
    ) throws -> [String] {
        heard = []
        let publication = Publication(
            channel: try ChannelName(channel), payload: Payload(text: text),
            position: offset.map { StreamPosition(offset: $0, epoch: "k3vx") },
            metadata: PublicationMetadata(tags: try PublicationTags(tags)))
        for (name, request, form) in leads where name == channel {
            switch form {
            case .personal(let format, let lead):
                hear(ByteBuffer(bytes: lead), Self.body(publication, format))
            case .written(let format):
                var lead = ByteBuffer()
                guard session.writeLead(of: publication, request: request, into: &lead) else { continue }
                hear(lead, Self.body(publication, format))
            case .interned, .shared: Issue.record("a form of another protocol")
            }
        }
        return heard
    }

    private static func body(_ publication: Publication, _ format: WireFormat) -> ByteBuffer {
        let form = STOMPForm.all.first { WireFormat.stomp($0) == format }
        return form.map { STOMPCodec($0).body(publication).bytes } ?? ByteBuffer()
    }

    private mutating func hear(_ parts: ByteBuffer...) {
        let bytes = parts.flatMap { Array(buffer: $0) }
        let lines = String(decoding: bytes.map { $0 == 0 ? UInt8(ascii: "^") : $0 }, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)
        // Its numbers are those of the process.
        heard.append(
            lines.filter { !$0.hasPrefix("message-id:") || $0.dropFirst(11).contains("-") }.joined(separator: "\n"))
    }

    private mutating func carryOut(_ action: SessionAction) {
        guard end == nil else { return }
        switch action {
        case .none: break
        case .all(let actions): for action in actions { carryOut(action) }
        case .send(let body), .refuse(let body), .answer(let body): hear(body.bytes)
        case .join(let request): subscribe(request)
        case .leave(let channel, let request):
            joined.removeAll { $0 == "\(channel)#\(request)" }
            leads.removeAll { $0.channel == channel.string && $0.request == request }
        case .authenticate(let token, .connection):
            guard let claims = tokens[token] else { return carryOut(session.refused(.signature)) }
            decide(session.authenticated(claims, now: Self.now))
        case .authenticate(let token, .subscription):
            guard let claims = subscriptionTokens[token] else { return carryOut(session.refused(.expired)) }
            decide(session.authenticated(claims, now: Self.now))
        case .publish, .history: asked.append(action)
        case .disconnect(let disconnect, _): end = disconnect
        case .dropped, .subscribe, .unsubscribe, .deliver, .announce, .presence, .presenceStats, .begin,
            .publishToOthers, .publishOnTerms, .release:
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
        let name = "\(request.channel)#\(request.request ?? 0)"
        joined.append(name)
        if let form = request.form { leads.append((request.channel.string, request.request ?? 0, form)) }
        if holdsJoins { held.append(request) } else { settle(request) }
    }

    /// Subscriptions that wait are in force now.
    mutating func settle() -> [String] {
        heard = []
        for request in held { settle(request) }
        held = []
        return heard
    }

    private mutating func settle(_ request: SubscriptionRequest) {
        var start = starts[request.channel.string] ?? SubscriptionStart()
        switch request.wish {
        case .none: (start.publications, start.isComplete) = ([], true)
        case .since(let place):
            start.publications.removeAll { ($0.position?.offset ?? 0) <= place.offset }
            start.isComplete = place.epoch == start.position?.epoch
        case .last(let count): start.publications = start.publications.suffix(count)
        }
        carryOut(session.subscribed(id: request.request ?? 0, start))
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
