import FanfareCore
import FanfareWire
import NIOCore

/// What a backend does with clients, wherever they are: those of `"user"`, or the one of `"client"`; with both the client must be of
/// that user.
///
/// All four give `{"result":{"num_clients":2,"num_nodes":3}}`: for how many clients it is now as the request says, and how many nodes
/// were asked. Nobody being there is no error. When it could not be done for all, or a node did not answer in time, that is an error
/// with the numbers in its message; each of the four may be sent again.
extension ServerAPI {
    /// `POST /api/subscribe`: `{"user":"42","channel":"news"}`, with `info`, `data`, `expire_at` and `recover_since`. Answers when the
    /// subscriptions are in force.
    func subscribe(_ body: ByteBuffer) async -> APIAnswer {
        await command(body, .subscribe) { (request) throws(APIFailure) in
            let channel = try channel(of: request.request)
            let rules = context.channels.rules(channel) ?? ChannelRules()
            return .subscribe(try request.subscription(channel, rules))
        }
    }

    /// `POST /api/unsubscribe`: `{"user":"42","channel":"news"}`.
    func unsubscribe(_ body: ByteBuffer) async -> APIAnswer {
        await command(body, .unsubscribe) { (request) throws(APIFailure) in
            .unsubscribe(try channel(of: request.request))
        }
    }

    /// `POST /api/disconnect`: `{"user":"42","disconnect":{"code":4500,"reason":"banned"},"whitelist":["<client>"]}`.
    func disconnect(_ body: ByteBuffer) async -> APIAnswer {
        await command(body, .disconnect) { (request) throws(APIFailure) in try request.disconnect() }
    }

    /// `POST /api/refresh`: `{"user":"42","expire_at":1800000000}`, or `"expired":true`.
    func refresh(_ body: ByteBuffer) async -> APIAnswer {
        await command(body, .refresh) { (request) throws(APIFailure) in
            try request.refresh(now: Int64(clamping: context.now() / 1_000_000))
        }
    }

    private func channel(of request: JSONMembers) throws(APIFailure) -> ChannelName {
        guard let name = request["channel"]?.string else { throw .badRequest("'channel' must be a string") }
        return try channel(name)
    }

    private func command(
        _ body: ByteBuffer, _ method: APIMethod,
        _ read: (APIClientCommand) throws(APIFailure) -> ClientCommand
    ) async -> APIAnswer {
        await answer { () async throws(APIFailure) in
            let request = APIClientCommand(request: try object(body, method))
            let (target, command) = (try request.target(), try read(request))
            let result = await withCheckedContinuation { continuation in
                context.command(command, target) { continuation.resume(returning: $0) }
            }
            switch result {
            case .failure(.tooLarge):
                throw APIFailure(
                    status: 413, code: 106, message: "nothing was done: it is more than nodes send each other",
                    outcome: .notDone)
            case .failure(let error):
                throw APIFailure(
                    status: 503, code: 100, message: "nothing was done: \(error); try again", outcome: .notDone)
            case .success(let outcome):
                try check(outcome)
                return APIAnswer(
                    status: 200,
                    body: JSONText.object([
                        (
                            "result",
                            .object([
                                ("num_clients", .number(outcome.count.done)), ("num_nodes", .number(outcome.nodes)),
                            ])
                        )
                    ]))
            }
        }
    }

    /// Whether it was done for all of whom the cluster knows.
    private func check(_ outcome: CommandRelay.Outcome) throws(APIFailure) {
        let count = outcome.count
        var done = "done for \(count.done) clients on \(outcome.nodes) nodes"
        if count.lost > 0 {
            done +=
                ", for \(count.lost) of them without all that came since: the history does not reach 'recover_since'"
        }
        guard outcome.silent.isEmpty else {
            throw APIFailure(
                status: 503, code: 100,
                message: "\(done), not confirmed by \(outcome.silent.prefix(8).joined(separator: ", ")): try again",
                outcome: .unknown)
        }
        guard outcome.unable.isEmpty else {
            throw APIFailure(
                status: 501, code: 108,
                message: "\(done), not on older nodes that can't: \(outcome.unable.prefix(8).joined(separator: ", "))",
                outcome: .unknown)
        }
        guard count.failed == 0 else {
            throw APIFailure(
                status: 503, code: 100,
                message: "\(done), not for \(count.failed): the broker or a limit refused, or they went; try again",
                outcome: .unknown)
        }
        guard !outcome.isEarly else {
            throw APIFailure(
                status: 503, code: 100, message: "\(done): \(ControlError.notYetInView), try again", outcome: .unknown)
        }
        guard count.full == 0 else {
            throw APIFailure(
                status: 400, code: 106,
                message: "\(done), not for \(count.full) that have \(context.limits.maxChannelsPerClient) channels")
        }
        guard count.lost == 0 else { throw APIFailure(status: 400, code: 112, message: done) }
    }
}
