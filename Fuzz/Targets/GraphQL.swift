import FanfareCore
import NIOCore

@testable import FanfareProtocols
@testable import FanfareWire

extension FuzzTarget {
    /// GraphQL's documents: what is taken is bounded, and its answer is JSON; the same document says the same twice.
    static let graphql = FuzzTarget(name: "graphql", maxBytes: 2_048) { input in
        var input = input
        let names: [ExactText?] = [nil, "Op", ""]
        let (name, text) = (input.pick(names), input.text())
        let variables = JSONMembers(ByteBuffer(string: "{\"v\":\(input.remainder)}"))?["v"]
        let request = GraphQLRequest(query: text, operationName: name, variables: variables)
        let (first, second) = (answer(request), answer(request))
        expect(first == second, "two answers: \(String(buffer: first)), \(String(buffer: second))")
        expect(first.withUnsafeReadableBytes { JSONScanner.isValid($0) }, "no JSON: \(String(buffer: first))")
    }

    private static func answer(_ request: GraphQLRequest) -> ByteBuffer {
        let plan: GraphQLPlan
        do throws(GraphQLFailure) {
            plan = try request.plan()
        } catch {
            expect((1...GraphQLBounds.errors).contains(error.errors.count), "\(error.errors.count) errors")
            return error.answer
        }
        expect(count(plan.fields) <= GraphQLBounds.fields, "\(count(plan.fields)) fields")
        expect(plan.fields.count <= GraphQLBounds.rootFields, "\(plan.fields.count) fields at the top")
        guard plan.kind != .subscription, let channel = try? ChannelName("news") else {
            return subscription(plan)
        }
        var (answer, place) = (GraphQLAnswer(plan), Int?.none)
        while let (next, field) = answer.next(after: place) {
            place = next
            guard !field.name.string.hasPrefix("__") else {
                answer.set(.success(GraphQLAnswer.introspection(field)), at: next)
                continue
            }
            let publication = Publication(channel: channel, payload: Payload(text: "\"\u{7}"))
            let page = HistoryPage(
                publications: [publication], position: StreamPosition(offset: 1, epoch: "e"))
            let object: GraphQLObject =
                switch field.name {
                case "history": .history(page)
                case "presence": .presence(PresencePage(members: [ClientInfo(client: "c")], total: 1))
                case "publish": .published(PublishReceipt())
                default: .node(name: "n", version: "1")
                }
            answer.set(.success(.object(object)), at: next)
        }
        var buffer = ByteBuffer()
        answer.write(maxBytes: 100_000, into: &buffer)
        expect(buffer.readableBytes < 200_000, "\(buffer.readableBytes) bytes")
        return buffer
    }

    private static func count(_ fields: [GraphQLPlanField]) -> Int {
        fields.reduce(0) { $0 + 1 + count($1.selections) }
    }

    /// A message of a subscription, with its lead.
    private static func subscription(_ plan: GraphQLPlan) -> ByteBuffer {
        guard let field = plan.fields.first, plan.fields.count == 1, let channel = try? ChannelName("news") else {
            fatalError("a subscription with \(plan.fields.count) fields")
        }
        expect(count(plan.fields) <= GraphQLBounds.mutationFields, "\(count(plan.fields)) fields")
        let codec = GraphQLCodec(field: GraphQLPlanField(selecting: field))
        let publication = Publication(channel: channel, payload: Payload(text: "{\"a\":\n1}"))
        return codec.message(GraphQLWords.transport.lead("\"id\\"), publication).bytes
    }

    /// GraphQL's messages, in a whole connection with a broker that answers at once: every message is JSON, and limits hold.
    static let graphqlmessages = FuzzTarget(name: "graphqlmessages", maxBytes: 4_096) { input in
        var input = input
        let subprotocol = input.pick(GraphQLSubprotocol.allCases)
        let answers = input.byte()
        var rules = ChannelRules()
        rules.history = .init(size: 10, age: .seconds(60))
        (rules.recovery, rules.presence) = (.stream, true)
        (rules.readHistory, rules.readPresence) = (.clients, .clients)
        let policy = GraphQLSession.Policy(
            maxChannelNameBytes: 64, maxChannels: 4, permissions: .publish,
            channels: ChannelRulebook(plain: rules, namespaces: [:]))
        var session = GraphQLSession(.init(policy), clientID: "c", subprotocol: subprotocol)
        if input.bool() { play(#"{"type":"connection_init"}"#, &session, answers) }
        while !input.isEmpty, !session.hasFailed { play(input.text(), &session, answers) }
    }

    private static func play(_ text: String, _ session: inout GraphQLSession, _ answers: UInt8) {
        switch session.take(Payload(text: text)) {
        case .action(let action): carryOut(action, &session, answers)
        case .commands:
            while case .perform(.graphQL(let command), _) = session.next(mayRead: true) {
                let isRefused = answers & 4 == 4 && command.rate != nil
                carryOut(
                    isRefused ? session.refuseForNow(command, wait: 5) : session.perform(command), &session, answers)
            }
        }
        expect(session.subscriptions.count <= 4, "\(session.subscriptions.count) subscriptions")
        expect(session.selections.count <= GraphQLBounds.formats, "\(session.selections.count) selections")
        expect(session.answers.isEmpty && session.calls.isEmpty && session.steps.isEmpty, "something waits")
    }

    private static func carryOut(_ action: SessionAction, _ session: inout GraphQLSession, _ answers: UInt8) {
        let fails = answers & 1 == 1
        switch action {
        case .all(let actions): for action in actions { carryOut(action, &session, answers) }
        case .send(let body), .refuse(let body), .answer(let body):
            expect(
                body.bytes.withUnsafeReadableBytes { JSONScanner.isValid($0) }, "no JSON: \(String(buffer: body.bytes))"
            )
        case .join(let request):
            guard case .interned(let name, _, let lead?) = request.form else { fatalError("no lead: \(request)") }
            expect(lead.count <= 255, "a lead of \(lead.count) bytes")
            expect(name.utf8.count < 16_384, "a name of \(name.utf8.count) bytes")
            let number = request.request ?? 0
            carryOut(
                fails
                    ? session.subscribeFailed(id: number, .unavailable)
                    : session.subscribed(id: number, SubscriptionStart(isComplete: answers & 2 == 0)), &session, answers
            )
        case .publish(_, _, _, let id):
            carryOut(
                session.published(id: id, fails ? .failure(.unavailable) : .success(PublishReceipt())), &session,
                answers)
        case .history(_, let query, let id):
            expect(query.maxBytes <= GraphQLBounds.answerBytes, "a history of \(query.maxBytes) bytes")
            let page = HistoryPage(publications: [], position: StreamPosition(offset: 0, epoch: "e"))
            carryOut(
                session.read(id: id, since: query.since, fails ? .failure(.unavailable) : .success(page)), &session,
                answers)
        case .presence(_, let id):
            carryOut(
                session.presence(id: id, .success(PresencePage(members: [], total: fails ? 9 : 0))), &session, answers)
        case .authenticate: carryOut(session.refused(.signature), &session, answers)
        case .release(let format):
            expect(!session.subscriptions.contains { $0.selection.name == format }, "a format in use is let go")
        case .none, .dropped, .leave, .disconnect: break
        case .subscribe, .unsubscribe, .deliver, .announce, .presenceStats, .begin, .publishToOthers, .publishOnTerms:
            fatalError("not of this protocol: \(action)")
        }
    }
}
