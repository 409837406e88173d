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
    /// What tokens say, by the token.
    var tokens: [String: ConnectClaims] = [:]
    var subscriptionTokens: [String: SubscriptionClaims] = [:]
    /// What the broker was asked for and the test has not answered.
    var asked: [SessionAction] = []
    private(set) var heard: [String] = []
    private(set) var end: Disconnect?
    private var leads: [(name: String, form: SubscriptionForm)] = []

    static let now = TokenTime(wall: 1_000, monotonic: 1_000)

    init(
        _ rules: ChannelRules = ChannelRules(), _ namespaces: [ExactText: ChannelRules] = [:],
        permissions: ClientPermissions = .publish, newest: STOMPVersion = .v12, requestToken: String? = nil,
        channels: Int = 4, frames: Int = 512, heartBeat: UInt64 = 25_250
    ) {
        var policy = STOMPSession.Policy(
            maxChannelNameBytes: 64, maxChannels: channels, maxMessageBytes: 1_000, permissions: permissions,
            channels: ChannelRulebook(plain: rules, namespaces: namespaces))
        (policy.heartBeat, policy.maxFrames) = (heartBeat, frames)
        session = STOMPSession(.init(policy), clientID: "c", newest: newest, requestToken: requestToken)
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
        case .commands: goOn()
        }
    }

    private mutating func goOn() {
        while end == nil {
            switch session.next(mayRead: true) {
            case .perform(.stomp(let request), _): carryOut(session.perform(request))
            case .fail(let action): carryOut(action)
            case .perform, .wait, .none: return
            }
        }
    }

    /// The broker answers.
    mutating func answer(_ body: (inout STOMPSession) -> SessionAction) -> [String] {
        heard = []
        carryOut(body(&session))
        return heard
    }

    /// A publication comes.
    mutating func publish(_ channel: String, _ text: String, tags: [PublicationTags.Tag] = []) throws -> [String] {
        heard = []
        let publication = Publication(
            channel: try ChannelName(channel), payload: Payload(text: text),
            metadata: PublicationMetadata(tags: try PublicationTags(tags)))
        for case (let name, .personal(let format, let lead)) in leads where name.hasPrefix("\(channel)#") {
            for version in STOMPVersion.allCases {
                for isBare in [false, true] where WireFormat.stomp(version, isBare: isBare) == format {
                    let body = STOMPCodec(version: version, isBare: isBare).body(publication)
                    hear(ByteBuffer(bytes: lead), body.bytes)
                }
            }
        }
        return heard
    }

    private mutating func hear(_ parts: ByteBuffer...) {
        let bytes = parts.flatMap { Array(buffer: $0) }
        let lines = String(decoding: bytes.map { $0 == 0 ? UInt8(ascii: "^") : $0 }, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)
        // Its numbers are those of the process.
        heard.append(lines.filter { !$0.hasPrefix("message-id:") }.joined(separator: "\n"))
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
            leads.removeAll { $0.name == "\(channel)#\(request)" }
        case .authenticate(let token, .connection):
            guard let claims = tokens[token] else { return carryOut(session.refused(.signature)) }
            decide(session.authenticated(claims, now: Self.now))
        case .authenticate(let token, .subscription):
            guard let claims = subscriptionTokens[token] else { return carryOut(session.refused(.expired)) }
            decide(session.authenticated(claims, now: Self.now))
        case .publish: asked.append(action)
        case .disconnect(let disconnect, _): end = disconnect
        case .dropped, .subscribe, .unsubscribe, .deliver, .announce, .history, .presence, .presenceStats, .begin,
            .publishToOthers:
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
        if let form = request.form { leads.append((name, form)) }
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
