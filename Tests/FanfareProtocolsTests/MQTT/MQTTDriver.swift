import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore
@testable import FanfareProtocols

/// A session and a broker that answers as the test says; what the client hears is text, such as `PUBACK 7 0`.
struct MQTTDriver {
    var session: MQTTSession
    let version: MQTTVersion
    /// What channels begin with, by name; none: live, without history.
    var starts: [String: SubscriptionStart] = [:]
    /// Channels whose subscriptions fail or wait for the test.
    var failing: Set<String> = []
    var held: [SubscriptionRequest] = []
    var holds = false
    /// Subscriptions that the hub has, as `channel#request`.
    private(set) var joined: [String] = []
    /// What tokens say, by the token.
    var tokens: [String: ConnectClaims] = [:]
    /// What the broker was asked for and the test has not answered.
    var asked: [SessionAction] = []
    private(set) var heard: [String] = []
    private(set) var end: Disconnect?
    /// Whether a read may begin.
    var mayRead = true
    private var forms: [(name: String, request: UInt32, form: SubscriptionForm)] = []

    static let now = TokenTime(wall: 1_000, monotonic: 1_000)

    init(
        _ version: MQTTVersion = .v5, _ rules: ChannelRules = ChannelRules(),
        _ namespaces: [ExactText: ChannelRules] = [:], permissions: ClientPermissions = .publish,
        requestToken: String? = nil, channels: Int = 4, packets: Int = 512, clientID: String = "node-id"
    ) {
        var policy = MQTTSession.Policy(
            maxChannelNameBytes: 64, maxChannels: channels, maxPacketBytes: 1_000, permissions: permissions,
            channels: ChannelRulebook(plain: rules, namespaces: namespaces))
        policy.maxPackets = packets
        policy.now = { 100_000_000 }
        session = MQTTSession(.init(policy), clientID: clientID, requestToken: requestToken)
        self.version = version
    }

    /// One that has connected.
    static func connected(
        _ version: MQTTVersion = .v5, _ rules: ChannelRules = ChannelRules(),
        _ namespaces: [ExactText: ChannelRules] = [:], permissions: ClientPermissions = .publish, channels: Int = 4,
        properties: [UInt8] = [], clientID: String = "node-id"
    ) -> MQTTDriver {
        var client = MQTTDriver(
            version, rules, namespaces, permissions: permissions, channels: channels, clientID: clientID)
        #expect(client.send(MQTTBytes.connect(version, properties: properties)).first?.hasPrefix("CONNACK 0") == true)
        return client
    }

    /// Rules of channels that keep their newest publication.
    static var cache: ChannelRules {
        var rules = ChannelRules()
        rules.history = .init(size: 10, age: .seconds(60))
        rules.recovery = .cache
        return rules
    }

    /// Properties of version 5, and nothing in 3.1.1.
    func properties(_ bytes: [UInt8] = []) -> [UInt8]? { version == .v5 ? bytes : nil }

    /// The client sends this; returns what it hears.
    mutating func send(_ bytes: [UInt8], _ kind: Payload.Kind = .binary) -> [String] {
        heard = []
        switch session.take(Payload(kind: kind, bytes: ByteBuffer(bytes: bytes))) {
        case .action(let action): carryOut(action)
        case .commands: goOn()
        }
        return heard
    }

    /// Begins what may begin.
    mutating func goOn() {
        while end == nil {
            switch session.next(mayRead: mayRead) {
            case .perform(.mqtt(let request), _): carryOut(session.perform(request))
            case .fail(let action): carryOut(action)
            case .perform, .wait, .none: return
            }
        }
    }

    /// The broker answers.
    mutating func answer(_ body: (inout MQTTSession) -> SessionAction) -> [String] {
        heard = []
        carryOut(body(&session))
        return heard
    }

    /// The broker has what was published first, or not.
    mutating func published(_ result: Result<PublishReceipt, BrokerError> = .success(PublishReceipt())) -> [String] {
        switch asked.isEmpty ? .none : asked.removeFirst() {
        case .publish(_, _, _, let id), .publishToOthers(_, _, _, let id), .publishOnTerms(_, _, _, _, let id):
            answer { $0.published(id: id, result) }
        case let other: ["nothing was published: \(other)"]
        }
    }

    /// A publication, as one of a stream where it has a place there.
    static func publication(
        _ channel: String, _ text: String, at offset: UInt64? = nil, tags: [PublicationTags.Tag] = [],
        qos: UInt8? = nil,
        excluding client: ClientID? = nil, epoch: String = "e"
    ) throws -> Publication {
        Publication(
            channel: try ChannelName(channel), payload: Payload(text: text),
            position: offset.map { StreamPosition(offset: $0, epoch: epoch) },
            metadata: PublicationMetadata(tags: try PublicationTags(tags), excludedClient: client, qos: qos))
    }

    /// A publication comes.
    mutating func publish(
        _ channel: String, _ text: String, at offset: UInt64? = nil, tags: [PublicationTags.Tag] = [],
        qos: UInt8? = nil
    ) throws -> [String] {
        heard = []
        let publication = try Self.publication(channel, text, at: offset, tags: tags, qos: qos)
        for (name, request, form) in forms where name == channel {
            switch form {
            case .shared(let format):
                #expect(format == .mqtt(version))
                hear(MQTTCodec(version: version).body(publication).bytes)
            case .written(let format):
                #expect(format == .mqttTail(version))
                var lead = ByteBuffer()
                guard session.writeLead(of: publication, request: request, into: &lead) else { continue }
                lead.writeImmutableBuffer(MQTTTailCodec(version: version).body(publication).bytes)
                hear(lead)
            case .interned, .personal: Issue.record("not of this protocol: \(form)")
            }
        }
        return heard
    }

    private mutating func hear(_ bytes: ByteBuffer) { heard.append(MQTTHeard.text(bytes, version)) }

    private mutating func carryOut(_ action: SessionAction) {
        guard end == nil else { return }
        switch action {
        case .none, .dropped: break
        case .all(let actions): for action in actions { carryOut(action) }
        case .send(let body), .refuse(let body), .answer(let body):
            #expect(body.kind == .binary)
            hear(body.bytes)
        case .join(let request): if holds { held.append(request) } else { subscribe(request) }
        case .leave(let channel, let request):
            joined.removeAll { $0 == "\(channel)#\(request)" }
            held.removeAll { $0.channel == channel && $0.request == request }
            forms.removeAll { $0.name == channel.string && $0.request == request }
        case .authenticate(let token, .connection):
            guard let claims = tokens[token] else { return carryOut(session.refused(.signature)) }
            switch session.authenticated(claims, now: Self.now) {
            case .success(let actions): for action in actions { carryOut(action) }
            case .failure(let refusal): carryOut(session.refused(refusal))
            }
        case .publish, .publishToOthers, .publishOnTerms, .history: asked.append(action)
        case .disconnect(let disconnect, _): end = disconnect
        case .subscribe, .unsubscribe, .deliver, .announce, .presence, .presenceStats, .begin, .authenticate, .release:
            Issue.record("not of this protocol: \(action)")
        }
    }

    /// The hub answers a subscription that it was asked for.
    mutating func subscribe(_ request: SubscriptionRequest) {
        let (number, name) = (request.request ?? 0, request.channel.string)
        guard !failing.contains(name) else {
            return carryOut(session.subscribeFailed(id: number, .unavailable))
        }
        joined.append("\(name)#\(number)")
        if let form = request.form { forms.append((name, number, form)) }
        var start = starts[name] ?? SubscriptionStart()
        if case .last(let count) = request.wish {
            start.publications = start.publications.suffix(count)
        } else {
            start.publications = []
        }
        carryOut(session.subscribed(id: number, start))
    }

    /// Answers what was held.
    mutating func release() -> [String] {
        heard = []
        (holds, held) = (
            false,
            {
                for request in $0 { subscribe(request) }; return []
            }(held)
        )
        return heard
    }
}

/// Packets of the node in words.
enum MQTTHeard {
    static func text(_ bytes: ByteBuffer, _ version: MQTTVersion) -> String {
        do throws(MQTTError) {
            var fields = MQTTFields(bytes)
            let first = try fields.byte()
            guard try fields.variable() == fields.count else { return "a wrong length" }
            switch first >> 4 {
            case 2:
                _ = try fields.byte()
                return "CONNACK \(try fields.byte())" + (version == .v5 ? try properties(&fields) : "")
            case 3:
                let topic = try fields.text()
                let qos = first >> 1 & 3
                let id = qos == 0 ? "" : " q\(qos)#\(try fields.short())"
                let properties = version == .v5 ? try properties(&fields) : ""
                return
                    "PUBLISH\(first & 1 == 1 ? " retained" : "")\(id) \(topic)\(properties) \(String(buffer: fields.bytes))"
            case 4...7:
                let name = ["PUBACK", "PUBREC", "PUBREL", "PUBCOMP"][Int(first >> 4) - 4]
                let id = try fields.short()
                return "\(name) \(id) \(fields.isEmpty ? 0 : try fields.byte())"
            case 9, 11:
                let id = try fields.short()
                if version == .v5 { _ = try fields.byte() }
                return "\(first >> 4 == 9 ? "SUBACK" : "UNSUBACK") \(id) \(Array(buffer: fields.bytes))"
            case 13: return "PINGRESP"
            case 14: return "DISCONNECT \(try fields.byte())"
            default: return "a packet \(first)"
            }
        } catch {
            return "broken: \(error)"
        }
    }

    /// Each as its number and its value.
    private static func properties(_ fields: inout MQTTFields) throws(MQTTError) -> String {
        var part = try fields.part(try fields.variable())
        var text = ""
        while !part.isEmpty {
            let number = try part.byte()
            guard let id = MQTTPropertyID(rawValue: number) else { return "no property \(number)" }
            text += " \(id)="
            switch id.form {
            case .flag: text += "\(try part.byte())"
            case .short: text += "\(try part.short())"
            case .long: text += "\(try part.long())"
            case .variable: text += "\(try part.variable())"
            case .text: text += "\(try part.text())"
            case .bytes: text += "\(Array(buffer: try part.data()))"
            case .pair: text += "\(try part.text()):\(try part.text())"
            }
        }
        return text
    }
}
