import FanfareCore
import FanfareWire
import NIOCore

/// What a client asks the broker for, and its answers.
extension SocketIOSession {
    mutating func publish(
        _ channel: ChannelName, _ rules: ChannelRules, _ data: Payload, _ index: Int, _ command: SocketIOCommand
    ) -> SessionAction {
        guard may(.publish, channel, rules.publish, index) else { return refuse(command, .permissionDenied) }
        if let limit = rules.maxMessageBytes, data.bytes.readableBytes > limit {
            return refuse(command, .limitExceeded("data is above the channel's limit of \(limit) bytes"))
        }
        guard !data.isNestedTooDeep else { return refuse(command, .badRequest(JSONDepth.problem)) }
        return asking(command) { .publish(channel, data, id: $0) }
    }

    mutating func presence(
        _ channel: ChannelName, _ rules: ChannelRules, _ index: Int, _ command: SocketIOCommand, isStats: Bool
    ) -> SessionAction {
        guard rules.presence else { return refuse(command, .notAvailable("\(BrokerError.noPresence)")) }
        guard may(.presence, channel, rules.readPresence, index) else { return refuse(command, .permissionDenied) }
        guard command.ack != nil else { return .dropped }
        return asking(command) { isStats ? .presenceStats(channel, id: $0) : .presence(channel, id: $0) }
    }

    mutating func history(
        _ channel: ChannelName, _ rules: ChannelRules, _ request: SocketIOHistory, _ index: Int,
        _ command: SocketIOCommand
    ) -> SessionAction {
        guard rules.history != nil else { return refuse(command, .notAvailable("the channel keeps no history")) }
        guard may(.history, channel, rules.readHistory, index) else { return refuse(command, .permissionDenied) }
        guard command.ack != nil else { return .dropped }
        let limit = HistoryQuery.limit(request.limit, within: policy.maxRecovery)
        let query = HistoryQuery(since: request.since, limit: limit, reverse: request.reverse)
        return asking(command) { .history(channel, query, id: $0) }
    }

    /// Asks the broker, and remembers for whom.
    private mutating func asking(_ command: SocketIOCommand, _ ask: (UInt32) -> SessionAction) -> SessionAction {
        guard calls.count < SocketIOBounds.calls else {
            return refuse(command, .internalError("too many events wait for their answers"))
        }
        let number = makeNumber()
        calls[number] = Call(namespace: command.namespace, ack: command.ack)
        return ask(number)
    }

    /// What became of a publish.
    mutating func published(id: UInt32, _ result: Result<PublishReceipt, BrokerError>) -> SessionAction {
        guard let call = calls.removeValue(forKey: id), namespaces.contains(where: { $0.name == call.namespace }) else {
            return .none
        }
        guard let ack = call.ack else { return (try? result.get()) == nil ? .dropped : .none }
        switch result {
        case .success: return .send(SocketIOWriter.ack(call.namespace, ack) { $0.writeStaticString("{}") })
        case .failure(let error): return .send(SocketIOWriter.ack(call.namespace, ack, .internalError("\(error)")))
        }
    }

    /// What was read from a history: `{"publications":[…],"position":"42.k3vx"}`.
    ///
    /// - Parameter maxBytes: a bigger answer would make the client a slow one, unless it is a single publication.
    mutating func read(
        id: UInt32, since: StreamPosition?, _ result: Result<HistoryPage, BrokerError>, maxBytes: Int
    ) -> SessionAction {
        answer(id) { call, ack in
            let page: HistoryPage
            switch result {
            case .success(let read): page = read
            case .failure(let error): return SocketIOWriter.ack(call.namespace, ack, .internalError("\(error)"))
            }
            guard !page.isOfAnother(since) else {
                return SocketIOWriter.ack(call.namespace, ack, .unrecoverablePosition)
            }
            let body = SocketIOWriter.ack(call.namespace, ack) { buffer in
                buffer.writeStaticString("{\"publications\":")
                CentrifugeJSONEncoder.write(page.publications, into: &buffer)
                buffer.writeString(",\"position\":\"\(page.position)\"}")
            }
            guard body.bytes.readableBytes > maxBytes, page.publications.count > 1 else { return body }
            let problem = "these publications are too many for one answer, ask for fewer"
            return SocketIOWriter.ack(call.namespace, ack, .limitExceeded(problem))
        }
    }

    /// Who is in a channel: `{"presence":{"<client>":{…}}}`.
    ///
    /// - Parameter maxBytes: a bigger answer would make the client a slow one.
    mutating func presence(
        id: UInt32, _ result: Result<PresencePage, BrokerError>, maxBytes: Int
    ) -> SessionAction {
        answer(id) { call, ack in
            let page: PresencePage
            switch result {
            case .success(let read): page = read
            case .failure(let error): return SocketIOWriter.ack(call.namespace, ack, .internalError("\(error)"))
            }
            if !page.isTooLarge {
                let body = SocketIOWriter.ack(call.namespace, ack) { buffer in
                    buffer.writeStaticString("{\"presence\":")
                    CentrifugeJSONEncoder.writePresence(page.members, into: &buffer)
                    buffer.writeStaticString("}")
                }
                if body.bytes.readableBytes <= maxBytes { return body }
            }
            let problem = "\(page.total) members are too many for one answer, use presence_stats"
            return SocketIOWriter.ack(call.namespace, ack, .limitExceeded(problem))
        }
    }

    /// How many are in a channel: `{"clients":…,"users":…}`.
    mutating func presenceStats(id: UInt32, _ result: Result<PresenceStats, BrokerError>) -> SessionAction {
        answer(id) { call, ack in
            switch result {
            case .success(let stats):
                SocketIOWriter.ack(call.namespace, ack) { buffer in
                    buffer.writeString("{\"clients\":\(stats.clients),\"users\":\(stats.users)}")
                }
            case .failure(let error): SocketIOWriter.ack(call.namespace, ack, .internalError("\(error)"))
            }
        }
    }

    /// Answers a read whose client may have left the namespace meanwhile.
    private mutating func answer(_ id: UInt32, _ write: (Call, UInt64) -> Body) -> SessionAction {
        guard let call = calls.removeValue(forKey: id), let ack = call.ack,
            namespaces.contains(where: { $0.name == call.namespace })
        else { return .none }
        return .answer(write(call, ack))
    }
}
