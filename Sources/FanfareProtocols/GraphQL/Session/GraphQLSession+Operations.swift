import FanfareCore
import FanfareWire
import NIOCore

/// Operations: how they begin, go on and end.
extension GraphQLSession {
    private func isInUse(_ id: ExactText) -> Bool {
        answers[id] != nil || asking?.id == id || subscriptions.contains { $0.id == id }
            || steps.contains { $0.id == id }
    }

    mutating func start(_ id: ExactText, _ request: GraphQLRequest) -> SessionAction {
        guard isConnected else { return fail(.unauthorized) }
        var before: [SessionAction] = []
        if isInUse(id) {
            guard words == .legacy else { return fail(.alreadyExists(id)) }
            // The older protocol's server ends the one that is there.
            before = end(id)
        }
        do throws(GraphQLFailure) {
            let plan = try request.plan()
            switch plan.kind {
            case .subscription:
                guard let field = plan.fields.first else { return .all(before) }
                guard words != .answer else { return refusal(id, [.needsEvents]) }
                steps.append(GraphQLStep(id: id, field: field, place: nil))
            case .query, .mutation: before.append(begin(GraphQLAnswer(plan), id))
            }
        } catch {
            before.append(refusal(id, error.errors))
        }
        return .all(before)
    }

    private mutating func begin(_ answer: GraphQLAnswer, _ id: ExactText) -> SessionAction {
        answers[id] = answer
        var place: Int?
        while let (next, field) = answer.next(after: place) {
            place = next
            steps.append(GraphQLStep(id: id, field: field, place: next))
        }
        return answerIfComplete(id)
    }

    /// The client wants no more of it. The newer protocol says nothing to that.
    mutating func stop(_ id: ExactText) -> SessionAction {
        let isKnown = isInUse(id)
        var actions = end(id)
        if words == .legacy, isKnown { actions += completion(id) }
        return .all(actions)
    }

    /// Forgets an operation. What the broker still answers for it is heard by nobody.
    private mutating func end(_ id: ExactText) -> [SessionAction] {
        answers[id] = nil
        steps.removeAll { $0.id == id }
        // The id may be another operation's by then.
        for (number, step) in calls where step.id == id { calls[number] = nil }
        guard let index = subscriptions.firstIndex(where: { $0.id == id }) else { return [] }
        let subscription = subscriptions[index]
        return [.leave(subscription.channel, request: subscription.number)] + remove(at: index)
    }

    /// Says that an operation was not begun, or can't go on.
    mutating func refusal(_ id: ExactText, _ errors: [GraphQLError]) -> SessionAction {
        isOver = words.isOneOperation
        let refusal = SessionAction.refuse(words.error(id, errors))
        guard case .events = words else { return refusal }
        return .all([refusal, .send(words.complete(id))])
    }

    /// Says that an operation has ended.
    mutating func completion(_ id: ExactText) -> [SessionAction] {
        isOver = words.isOneOperation
        return words == .answer ? [] : [.send(words.complete(id))]
    }

    func isSubscribed(_ channel: ChannelName) -> Bool { subscriptions.contains { $0.channel == channel } }

    var asker: GraphQLAsker {
        let channels = subscriptions.map(\.channel)
        return GraphQLAsker(policy: policy, grants: grants ?? Grants(anonymous: .none)) { channels.contains($0) }
    }

    // MARK: Fields

    /// Begins a field at the top.
    mutating func begin(_ step: GraphQLStep) -> SessionAction {
        do throws(GraphQLError) {
            guard step.place != nil else { return try subscribe(step) }
            let demand = try asker.demand(step.field)
            var step = step
            let number = makeNumber()
            let action: SessionAction
            switch demand {
            case .history(let channel, let query, let isReversed):
                step.isReversed = isReversed
                action = .history(channel, query, id: number)
            case .presence(let channel): action = .presence(channel, id: number)
            case .publish(let channel, let payload, let tags):
                action = .publish(channel, payload, tags, id: number)
            case .node:
                return finish(step, .success(.object(.node(name: policy.nodeName, version: policy.version))))
            case .introspection: return finish(step, .success(GraphQLAnswer.introspection(step.field)))
            }
            calls[number] = step
            return action
        } catch {
            return finish(step, .failure(error))
        }
    }

    /// A field has its value, or has none for this reason.
    mutating func finish(_ step: GraphQLStep, _ result: Result<GraphQLData, GraphQLError>) -> SessionAction {
        guard let place = step.place else {
            guard case .failure(let error) = result else { return .none }
            var located = error
            located.path = step.field.key
            return refusal(step.id, [located])
        }
        answers[step.id]?.set(result, at: place)
        return answerIfComplete(step.id)
    }

    /// What a field read is there.
    private mutating func finish(_ step: GraphQLStep, read object: GraphQLObject, _ cost: ReadCost) -> SessionAction {
        guard let place = step.place else { return .none }
        answers[step.id]?.set(read: object, cost, at: place)
        return answerIfComplete(step.id)
    }

    private mutating func answerIfComplete(_ id: ExactText) -> SessionAction {
        guard let answer = answers[id], answer.isComplete else { return .none }
        answers[id] = nil
        let isRead = answer.plan.isRead
        let maxBytes = isRead ? GraphQLBounds.answerBytes : GraphQLBounds.smallAnswerBytes
        let next = words.next(id) { answer.write(maxBytes: maxBytes, into: &$0) }
        // Nobody asked for room for what was not read: it counts among what waits for the client.
        return .all([isRead ? .answer(next) : .send(next)] + completion(id))
    }

    /// What became of a publish.
    mutating func published(id: UInt32, _ result: Result<PublishReceipt, BrokerError>) -> SessionAction {
        guard let step = calls.removeValue(forKey: id) else { return .none }
        switch result {
        case .success(let receipt): return finish(step, .success(.object(.published(receipt))))
        case .failure(let error):
            let what = error.outcome == .notPublished ? "refused" : "not confirmed"
            return finish(step, .failure(GraphQLError(error, "publish \(what)")))
        }
    }

    /// What was read from a history.
    mutating func read(
        id: UInt32, since: StreamPosition?, _ result: Result<HistoryPage, BrokerError>
    ) -> SessionAction {
        guard let step = calls.removeValue(forKey: id) else { return .none }
        switch result {
        case .success(var page):
            guard !page.isOfAnother(since) else {
                return finish(step, .failure(GraphQLError("since: the stream is another one", .insufficientState)))
            }
            if !step.field.selects("publications") { page.publications = [] }
            if step.isReversed { page.publications.reverse() }
            return finish(step, read: .history(page), ReadCost(page))
        case .failure(let error): return finish(step, .failure(GraphQLError(error, "history")))
        }
    }

    /// Who is in a channel.
    mutating func presence(id: UInt32, _ result: Result<PresencePage, BrokerError>) -> SessionAction {
        guard let step = calls.removeValue(forKey: id) else { return .none }
        switch result {
        case .success(var page):
            guard !page.isTooLarge else {
                let error = GraphQLError("\(page.total) members are too many for one answer", .notAvailable)
                return finish(step, .failure(error))
            }
            if !step.field.selects("members") { page.members = [] }
            return finish(step, read: .presence(page), ReadCost(page))
        case .failure(let error): return finish(step, .failure(GraphQLError(error, "presence")))
        }
    }
}
