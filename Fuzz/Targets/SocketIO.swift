import NIOCore

@testable import FanfareCore
@testable import FanfareProtocols
@testable import FanfareWire

extension FuzzTarget {
    /// A connection of Socket.IO, whose broker and token checks answer as they like, and publications as its events: whatever it sends
    /// is a packet whose JSON is JSON and that has the attachments it says; it has no more channels and namespaces than it may.
    static let socketio = FuzzTarget(name: "socketio", maxBytes: 1_024) { input in
        var input = input
        switch input.pick(4) {
        case 0: packet(input.buffer)
        case 1: event(&input)
        case 2: offset(input.remainder)
        default:
            var run = SocketIORun(input)
            run.run()
        }
    }

    private static func packet(_ bytes: ByteBuffer) {
        guard bytes.withUnsafeReadableBytes({ UTF8Validator.isValid($0) }),
            let packet = try? SocketIOPacket(bytes, maxAttachments: 10)
        else { return }
        expect(packet.attachments <= 10, "\(packet.attachments) attachments")
        expect(packet.namespace.utf8.count <= SocketIOBounds.namespaceBytes, "a long namespace")
        expect(packet.id ?? 0 < 1_000_000_000_000_000, "an id of \(packet.id ?? 0)")
        guard case .event(let event) = packet.content else { return }
        expect(event.arguments.count <= SocketIOBounds.arguments, "\(event.arguments.count) arguments")
        for argument in event.arguments {
            expect(ReferenceJSON.isValid(argument.bytes.readableBytesView), "an argument that is no JSON")
        }
        if let name = event.name { expect(!SocketIOEvent.reserved.contains(name), "a reserved name") }
    }

    private static func event(_ input: inout FuzzInput) {
        let position = input.bool() ? StreamPosition(offset: input.integer(), epoch: "e") : nil
        let (kind, isGuarded): (Payload.Kind, Bool) = (input.bool() ? .text : .binary, input.bool())
        let bytes = kind == .text ? ByteBuffer(string: input.remainder) : input.buffer
        guard let channel = try? ChannelName("a") else { return }
        let event = SocketIOSharedEvent(
            Publication(channel: channel, payload: Payload(kind: kind, bytes: bytes), position: position))
        expect(SocketIOSharedEvent(shared: event.body.bytes) == event, "shared it says something else")
        let body = event.packet("/a", offset: position.map { "\($0)/a" }, isGuarded: isGuarded)
        SocketIORun.check(body)
        guard position == nil, isGuarded else { return }
        // A client takes a string at the end for an offset, a name alone as well.
        let text = String(buffer: body.bytes)
        guard let start = text.utf8.firstIndex(of: UInt8(ascii: "[")),
            let elements = JSONElements(ByteBuffer(string: String(text[start...])), keeping: 64), elements.count < 64
        else { return }
        let last = elements.first.last
        expect(last?.bytes.readableBytesView.first != UInt8(ascii: "\""), "no offset at the end: \(text)")
    }

    private static func offset(_ text: String) {
        guard let offset = SocketIOOffset(text, maxChannelNameBytes: 64) else { return }
        let written = SocketIOOffset(offset.items).text
        expect(written.utf8.count <= max(SocketIOOffset.none.utf8.count, text.utf8.count), "an offset that grew")
        expect(SocketIOOffset(written, maxChannelNameBytes: 64) == offset, "written again it says something else")
    }
}

private struct SocketIORun {
    private static let maxChannels = 4
    private var input: FuzzInput
    private var session: SocketIOSession
    private var hasEnded = false
    /// Subscriptions of a CONNECT that are not begun.
    private var starting: [SubscriptionRequest] = []
    /// Publications that came before the answer to a CONNECT.
    private var early: [SplitFrame] = []

    init(_ input: FuzzInput) {
        self.input = input
        var rules = ChannelRules()
        rules.presence = true
        rules.history = ChannelRules.Retention(size: 2, age: .seconds(60))
        rules.recovery = self.input.pick([.off, .stream, .cache])
        let policy = SocketIOSession.Policy(
            maxChannelNameBytes: 64, maxChannels: Self.maxChannels, maxMessageBytes: 512,
            permissions: self.input.pick([.publish, .subscribe, .none]),
            channels: ChannelRulebook(plain: rules, namespaces: self.input.bool() ? ["a": ChannelRules()] : [:]),
            socketID: { String($0.prefix(20)) })
        session = SocketIOSession(
            .init(policy), clientID: "c", requestToken: self.input.bool() ? "t" : nil,
            now: TokenTime(wall: 1_000, monotonic: 1_000))
    }

    mutating func run() {
        while !input.isEmpty, !hasEnded {
            let kind: Payload.Kind = input.pick(4) == 3 ? .binary : .text
            let bytes = kind == .text ? ByteBuffer(string: input.text()) : input.piece().buffer
            switch session.take(Payload(kind: kind, bytes: bytes)) {
            case .action(let action): perform(action)
            case .commands:
                while !hasEnded, case .perform(.socketIO(let command), _) = session.next(mayRead: true) {
                    perform(session.perform(command))
                }
            }
            expect(session.channelCount <= Self.maxChannels, "\(session.channelCount) channels")
            expect(session.namespaces.count <= 2, "\(session.namespaces.count) namespaces")
            expect(session.assembler.bytes <= 512, "\(session.assembler.bytes) bytes of a packet")
        }
    }

    private mutating func perform(_ action: SessionAction) {
        switch action {
        case .none, .dropped: break
        case .leave(_, let request): starting.removeAll { $0.request == request }
        case .all(let actions): for action in actions where !hasEnded { perform(action) }
        case .disconnect: hasEnded = true
        case .send(let body), .refuse(let body), .answer(let body): Self.check(body)
        case .subscribe, .unsubscribe, .deliver, .announce, .publishToOthers, .publishOnTerms, .release:
            fatalError("not of this protocol: \(action)")
        case .join(let request): subscribed(request)
        case .begin(let requests, _):
            starting = requests.filter { !$0.isLast } + requests.filter(\.isLast)
            while !hasEnded, !starting.isEmpty { subscribed(starting.removeFirst()) }
        case .publish(_, _, _, let id):
            perform(session.published(id: id, input.bool() ? .success(PublishReceipt()) : .failure(.overloaded)))
        case .history(let channel, let query, let id):
            let position = StreamPosition(offset: input.integer(), epoch: "e")
            let page = HistoryPage(publications: publications(channel), position: position)
            perform(session.read(id: id, since: query.since, .success(page), maxBytes: 1_024))
        case .presence(let channel, let id):
            let page = PresencePage(members: [session.info(in: channel)], total: input.pick(3))
            perform(session.presence(id: id, .success(page), maxBytes: 1 << Int(input.pick(20))))
        case .presenceStats(_, let id):
            perform(session.presenceStats(id: id, .success(PresenceStats(clients: 1, users: 1))))
        case .authenticate(let token, let purpose): authenticate(token, purpose)
        }
    }

    private mutating func subscribed(_ request: SubscriptionRequest) {
        let id = request.request ?? 0
        if input.pick(4) == 3 { return perform(session.subscribeFailed(id: id, .unavailable)) }
        let start = SubscriptionStart(
            position: input.bool() ? StreamPosition(offset: input.integer(), epoch: "e") : nil,
            publications: publications(request.channel), isComplete: input.bool())
        expect(session.size(of: start, id) >= start.size, "a recovery is charged less than its payloads")
        perform(session.subscribed(id: id, start))
        if case .personal(_, let lead) = request.form, let publication = publications(request.channel).first {
            let body = SocketIOPositionedCodec().body(publication)
            early.append(SplitFrame(head: ByteBuffer(bytes: lead), body: body.bytes))
        }
        guard !session.isConnecting else { return }
        // What came before the answer to a CONNECT leaves behind it, but for subscriptions that are gone.
        for frame in early {
            var whole = Session.socketIO(Boxed(session))
            switch whole.personal(frame) {
            case .unchanged: fatalError("what nodes share leaves as it is")
            case .message(let message): Self.check(message)
            case .nothing: break
            }
            if case .socketIO(let changed) = whole { session = changed.value }
        }
        early = []
    }

    private mutating func publications(_ channel: ChannelName) -> [Publication] {
        (0..<input.pick(3)).map { index in
            Publication(
                channel: channel,
                payload: Payload(
                    kind: input.bool() ? .text : .binary, bytes: ByteBuffer(bytes: [0x22, 0x0A, input.byte() & 0x7F])),
                position: StreamPosition(offset: UInt64(index + 1), epoch: "e"))
        }
    }

    private mutating func authenticate(_ token: String, _ purpose: TokenPurpose) {
        guard input.pick(4) != 0 else { return perform(session.refused(input.pick(TokenRefusal.allCases))) }
        let (user, now) = (input.pick(Self.users), TokenTime(wall: 1_000, monotonic: 1_000))
        let before = session.user
        let result: Result<[SessionAction], TokenRefusal>
        switch purpose {
        case .subscription:
            var claims = SubscriptionClaims()
            (claims.channel, claims.user) = (ExactText(token), user)
            result = session.authenticated(claims, now: now)
        case .connection:
            var claims = ConnectClaims()
            claims.user = user
            claims.subscriptions = (0..<input.pick(6)).map { ServerSubscription(channel: ExactText("s\($0)")) }
            result = session.authenticated(claims, now: now)
            if case .success = result {
                expect(before.isEmpty || Array(before.utf8) == Array(user.utf8), "a token of another user")
            }
        }
        switch result {
        case .success(let actions): for action in actions where !hasEnded { perform(action) }
        case .failure(let refusal): perform(session.refused(refusal))
        }
    }

    /// Users that Swift's `==` takes for each other.
    private static let users: [ExactText] = ["", "K", "\u{212A}"]

    /// A packet of the server, read as a client reads it.
    static func check(_ body: Body) {
        var rest = Array(body.bytes.readableBytesView)[...]
        expect(body.kind == .text && body.bytes.withUnsafeReadableBytes { UTF8Validator.isValid($0) }, "no text")
        guard let kind = rest.popFirst(), (0x30...0x36).contains(kind) else { fatalError("no packet: \(body)") }
        if kind >= 0x35 {
            guard let dash = rest.firstIndex(of: UInt8(ascii: "-")) else { fatalError("no attachments: \(body)") }
            let count = String(decoding: rest[..<dash], as: UTF8.self)
            expect(count == "\(body.attachments.count)", "\(count) attachments instead of \(body.attachments.count)")
            rest = rest[(dash + 1)...]
        } else {
            expect(body.attachments.isEmpty, "attachments of a packet without")
        }
        if rest.first == UInt8(ascii: "/") {
            guard let comma = rest.firstIndex(of: UInt8(ascii: ",")) else { fatalError("no comma: \(body)") }
            rest = rest[(comma + 1)...]
        }
        rest = rest.drop { (0x30...0x39).contains($0) }
        expect(kind == 0x31 ? rest.isEmpty : ReferenceJSON.isValid(rest), "no JSON: \(String(buffer: body.bytes))")
    }
}
