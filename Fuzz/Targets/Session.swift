import NIOCore

@testable import FanfareCore
@testable import FanfareProtocols
@testable import FanfareWire

extension FuzzTarget {
    /// A session of the Centrifuge protocol in either encoding, whose broker and token checks answer as they like: whatever it
    /// sends is JSON in one line of text, or a reply of Protobuf behind its length; it has no more channels than it may, and a token counts only for a user and a channel that are
    /// its own byte for byte.
    static let session = FuzzTarget(name: "session", maxBytes: 1_024) { input in
        var run = SessionRun(input)
        run.run()
    }
}

private struct SessionRun {
    private static let maxChannels = 4
    private var input: FuzzInput
    private let encoding: CentrifugeEncoding
    private var session: CentrifugeSession
    private var hasEnded = false

    init(_ input: FuzzInput) {
        self.input = input
        var rules = ChannelRules()
        rules.presence = true
        rules.history = ChannelRules.Retention(size: 2, age: .seconds(60))
        rules.recovery = self.input.pick([.off, .stream, .cache])
        (rules.delta, rules.tagsFilter) = (.fossil, true)
        let book = ChannelRulebook(plain: rules, namespaces: self.input.bool() ? ["a": ChannelRules()] : [:])
        var policy = CentrifugeSession.Policy(
            nodeName: "n", version: "1", pingSeconds: 25, maxChannelNameBytes: 64,
            maxChannels: Self.maxChannels, permissions: self.input.pick([.publish, .subscribe, .none]), channels: book)
        let choice = self.input.byte()
        policy.ignoresTokens = choice & 1 == 1
        encoding = choice & 2 == 2 ? .protobuf : .json
        session = CentrifugeSession(.init(policy), clientID: "c", encoding: encoding)
    }

    mutating func run() {
        while !input.isEmpty, !hasEnded {
            let choice = input.byte()
            if choice == 0xFF {
                let now = TokenTime(wall: Int64(input.byte()) << 8, monotonic: Int64(input.byte()) << 8)
                for action in session.expire(now, grace: Int64(input.byte())) { perform(action) }
                continue
            }
            let message = try? CentrifugeJSONMessage(input.piece().buffer, maxCommands: 8)
            for command in message?.commands ?? [] where !hasEnded { perform(session.receive(command)) }
            expect(session.channelCount <= Self.maxChannels, "\(session.channelCount) channels")
        }
    }

    private mutating func perform(_ action: SessionAction) {
        switch action {
        case .none, .dropped: break
        case .all(let actions): for action in actions { perform(action) }
        case .join(let start): subscribed(start.channel, start.request ?? 0)
        case .leave: break
        case .disconnect: hasEnded = true
        case .send(let body), .refuse(let body), .answer(let body): sent(body)
        case .deliver, .announce: fatalError("publications without a push")
        case .unsubscribe(_, let replies): for body in replies { sent(body) }
        case .subscribe(let channel, _, _, let id): subscribed(channel, id)
        case .publishToOthers, .publishOnTerms, .release: fatalError("not of this protocol")
        case .publish(_, let payload, _, let id):
            expect(payload.kind == .text, "JSON as a binary publish")
            sent(session.published(id: id, input.bool() ? .success(PublishReceipt()) : .failure(.overloaded)))
        case .history(let channel, let query, let id):
            let position = StreamPosition(offset: input.integer(), epoch: "e")
            let page = HistoryPage(publications: publications(channel), position: position)
            sent(session.read(id: id, since: query.since, .success(page)))
        case .presence(let channel, let id):
            let page = PresencePage(members: [session.info(in: channel)], total: input.pick(3))
            sent(session.presence(id: id, .success(page), maxBytes: 1 << Int(input.pick(20))))
        case .presenceStats(_, let id):
            let stats = PresenceStats(clients: Int(truncatingIfNeeded: input.integer()), users: 1)
            sent(session.presenceStats(id: id, .success(stats)))
        case .authenticate(let token, let purpose): authenticate(token, purpose)
        case .begin(let starts, let id):
            for start in starts { subscribed(start.channel, id) }
        }
    }

    private mutating func subscribed(_ channel: ChannelName, _ id: UInt32) {
        if input.pick(4) == 3 { return sent(session.subscribeFailed(channel, id: id, .unavailable)) }
        let start = SubscriptionStart(
            position: input.bool() ? StreamPosition(offset: input.integer(), epoch: "e") : nil,
            publications: publications(channel), isComplete: input.bool())
        sent(session.subscribed(channel, id: id, start))
    }

    private mutating func publications(_ channel: ChannelName) -> [Publication] {
        (0..<input.pick(3)).map { index in
            let kind: Payload.Kind = input.bool() ? .text : .binary
            return Publication(
                channel: channel,
                payload: Payload(kind: kind, bytes: ByteBuffer(bytes: [0x22, 0x0A, input.byte() & 0x7F])),
                position: StreamPosition(offset: UInt64(index + 1), epoch: "e"))
        }
    }

    private mutating func authenticate(_ token: String, _ purpose: TokenPurpose) {
        guard input.pick(4) != 0 else { return perform(session.refused(input.pick(TokenRefusal.allCases))) }
        let expiresAt = input.bool() ? Int64(input.byte()) << 8 : nil
        let (user, now) = (input.pick(Self.users), TokenTime(wall: 1_000, monotonic: 1_000))
        let (before, wasConnected, command) = (session.user, session.isConnected, session.asking.first)
        switch purpose {
        case .subscription:
            var claims = SubscriptionClaims()
            (claims.channel, claims.user, claims.expiresAt) = (ExactText(token), user, expiresAt)
            guard case .success(let actions) = session.authenticated(claims, now: now) else { return misfit() }
            expect(isSame(user, before), "a subscription token of another user")
            switch command?.method {
            case .subscribe(let request): expect(isSame(claims.channel, request.channel), "a token of another channel")
            case .subRefresh(let channel, _): expect(isSame(claims.channel, channel), "a token of another channel")
            default: fatalError("a token for nothing")
            }
            for action in actions { perform(action) }
        case .connection:
            var claims = ConnectClaims()
            (claims.user, claims.expiresAt) = (user, expiresAt)
            claims.subscriptions = (0..<input.pick(6)).map { ServerSubscription(channel: ExactText("s\($0)")) }
            claims.listsSubscriptions = input.bool()
            guard case .success(let actions) = session.authenticated(claims, now: now) else { return misfit() }
            expect(!wasConnected || isSame(user, before), "a refresh of another user")
            for action in actions { perform(action) }
        }
    }

    private mutating func misfit() { perform(session.refused(.otherUser)) }

    /// Users that Swift's `==` takes for each other.
    private static let users: [ExactText] = ["", "K", "\u{212A}", "\u{E9}", "e\u{301}"]

    private func isSame(_ text: ExactText, _ other: ExactText) -> Bool { Array(text.utf8) == Array(other.utf8) }

    /// A message of the node, read as a client reads it.
    private func sent(_ body: Body?) {
        guard let body else { return }
        expect(body.kind == encoding.kind, "another kind of message: \(body)")
        switch encoding {
        case .json:
            expect(JSONLine(body.bytes)?.bytes == body.bytes, "not JSON in one line: \(String(buffer: body.bytes))")
        case .protobuf:
            var rest = body.bytes
            guard let reply = rest.readProtobufBytes(), rest.readableBytes == 0 else {
                fatalError("no length: \(body)")
            }
            expect(hasFields(reply, depth: 0), "not Protobuf: \(body)")
        }
    }

    /// Whether a message can be read, and its messages; what else bytes are can't be known.
    private func hasFields(_ message: ByteBuffer, depth: Int) -> Bool {
        var reader = ProtobufReader(message)
        do {
            while let field = try reader.next() {
                if depth == 0, case .bytes(let bytes) = field.value, !hasFields(bytes, depth: 1) { return false }
            }
            return true
        } catch {
            return false
        }
    }
}
