import FanfareCore
import FanfareProtocols
import FanfareWire
import NIOCore

/// The server API: how a backend publishes over HTTP. Requests and answers read as Centrifugo's HTTP API does, so its
/// client libraries work (Python's `cent`). A field that this node does not know is an error that names it (``APIMethod``).
///
/// ## What a subscriber gets
/// `data` leaves as the very bytes of JSON that came in. A raw client gets them as text: for `"data":"hi"` the four
/// characters `"hi"`, quotes included. `b64data` leaves as the binary that it stands for, and counts when both are there.
///
/// ## Errors
/// All have the body `{"error":{"code":…,"message":"…"}}` with Centrifugo's codes, and an HTTP status that says so:
/// - 400, 413, 415: the request is wrong (code 107), above a limit (106), about a channel whose namespace is not known
///   (102), or about history that is not kept (108) or does not reach back (112). Trying again is no use.
/// - 501: a node of an older version can't do it (108).
/// - 503: the broker did not confirm (code 100). The error of a publish has an `outcome` then: `not_published`, trying again is
///   safe; or `unknown`, it may have been published, and only with the same `idempotency_key` is trying again safe.
///
/// Centrifugo itself says 200 to a command that it could read. But proxies, retry policies and alarms of a backend see
/// only the status, and a publication that was not made must not look to them like one that was. Python's `cent`
/// raises `CentTransportError` with the status then. What concerns one channel of a broadcast is in its own response.
struct ServerAPI: Sendable {
    let context: AdminContext

    /// `POST /api/publish`: `{"channel":"c","data":…}` or `{"channel":"c","b64data":"…"}`, with `"idempotency_key":"…"` where
    /// the backend may try again: within five minutes the same key publishes once, and `"tags":{"name":"value"}` for subscribers
    /// to filter by. The result has the publication's `offset` and `epoch` in a channel with history.
    func publish(_ body: ByteBuffer) async -> APIAnswer {
        await answer { () async throws(APIFailure) in
            let request = try object(body, .publish)
            guard let name = request["channel"]?.string else { throw .badRequest("'channel' must be a string") }
            let channel = try channel(name)
            let publication = try APIPublication(request, maxBytes: context.limits.maxQueueBytes)
            try publication.check(channel, context.channels.rules(channel))
            let outcome = await publish(publication, to: [channel])[0]
            return APIAnswer(status: 200, body: Self.result(try outcome.get()))
        }
    }

    /// `POST /api/broadcast`: `{"channels":["a","b"],"data":…}`; each channel has a response of its own, in their order.
    ///
    /// A channel that fails does not keep the others from being published. When no channel's publish was confirmed because of
    /// the broker, the whole request fails with its error; its outcome is unknown when that of one channel is.
    func broadcast(_ body: ByteBuffer) async -> APIAnswer {
        await answer { () async throws(APIFailure) in
            let request = try object(body, .broadcast)
            guard let names = request["channels"]?.elements?.map(\.string), !names.isEmpty else {
                throw .badRequest("'channels' must be an array of strings, at least one")
            }
            guard names.count <= Self.maximumBroadcast else {
                throw .tooManyChannels(names.count, limit: Self.maximumBroadcast)
            }
            let publication = try APIPublication(request, maxBytes: context.limits.maxQueueBytes)
            let outcomes = await publish(publication, toNames: names)
            let failures = outcomes.compactMap(\.failure)
            let away = failures.filter { $0.status == 503 }
            if failures.count == outcomes.count,
                let failure = away.first(where: { $0.outcome == .unknown }) ?? away.first
            {
                throw failure
            }
            var text = ByteBuffer(string: #"{"result":{"responses":["#)
            for (index, outcome) in outcomes.enumerated() {
                if index > 0 { text.writeStaticString(",") }
                switch outcome {
                case .success(let receipt): text.writeImmutableBuffer(Self.result(receipt))
                case .failure(let failure): text.writeImmutableBuffer(failure.body)
                }
            }
            text.writeStaticString("]}}")
            return APIAnswer(status: 200, body: text, hasError: !failures.isEmpty)
        }
    }

    /// Turns a failure into its answer, and counts every answer with an error in it once.
    func answer(_ body: () async throws(APIFailure) -> APIAnswer) async -> APIAnswer {
        let answer: APIAnswer
        do throws(APIFailure) {
            answer = try await body()
        } catch {
            answer = APIAnswer(status: error.status, body: error.body, hasError: true)
        }
        if answer.hasError { context.metrics.shared.addShared(.apiErrors) }
        return answer
    }

    /// `{"result":{"offset":…,"epoch":"…"}}`, empty without history.
    private static func result(_ receipt: PublishReceipt) -> ByteBuffer {
        guard let position = receipt.position else { return ByteBuffer(string: #"{"result":{}}"#) }
        var text = ByteBuffer(string: #"{"result":{"#)
        CentrifugeJSONEncoder.write(position, into: &text)
        text.writeStaticString("}}")
        return text
    }

    /// A request's members, held to what its method knows.
    func object(_ body: ByteBuffer, _ method: APIMethod) throws(APIFailure) -> JSONMembers {
        guard body.withUnsafeReadableBytes({ UTF8Validator.isValid($0) }), let members = JSONMembers(body) else {
            throw .badRequest("the body must be a JSON object")
        }
        try method.check(members)
        return members
    }

    func channel(_ name: String?) throws(APIFailure) -> ChannelName {
        guard let name else { throw .badRequest("channel is not a string") }
        let channel: ChannelName
        do throws(ChannelNameError) {
            channel = try ChannelName(name, limit: context.limits.maxChannelNameBytes)
        } catch {
            throw .badRequest("\(error)")
        }
        guard context.channels.rules(channel) != nil else {
            throw APIFailure(status: 400, code: 102, message: "unknown namespace of channel '\(channel)'")
        }
        return channel
    }

    /// Publishes to those names that are channels; what is not has its failure at its place.
    private func publish(_ publication: APIPublication, toNames names: [String?]) async -> [Outcome] {
        var outcomes = [Outcome](repeating: .success(PublishReceipt()), count: names.count)
        var channels: [ChannelName] = []
        var places: [Int] = []
        for (place, name) in names.enumerated() {
            do throws(APIFailure) {
                let channel = try channel(name)
                try publication.check(channel, context.channels.rules(channel))
                channels.append(channel)
                places.append(place)
            } catch {
                outcomes[place] = .failure(error)
            }
        }
        for (place, outcome) in zip(places, await publish(publication, to: channels)) {
            outcomes[place] = outcome
        }
        return outcomes
    }

    private typealias Outcome = Result<PublishReceipt, APIFailure>

    /// Hands all publications to the broker in their order, then waits for all answers.
    private func publish(_ wanted: APIPublication, to channels: [ChannelName]) async -> [Outcome] {
        guard !channels.isEmpty else { return [] }
        let outcomes = BrokerAnswers(count: channels.count)
        let publishedAt = context.now()
        let results = await withCheckedContinuation { continuation in
            for (index, channel) in channels.enumerated() {
                let publication = Publication(
                    channel: channel, payload: wanted.payload, publishedAt: publishedAt, metadata: wanted.metadata)
                let options = PublishOptions(idempotencyKey: wanted.idempotencyKey)
                context.broker.publish(publication, options: options) { result in
                    if let all = outcomes.note(result, at: index) { continuation.resume(returning: all) }
                }
            }
        }
        return results.map { result in
            if case .success = result { context.metrics.shared.addShared(.apiPublications) }
            return result.mapError { .publish($0, hasKey: wanted.idempotencyKey != nil) }
        }
    }
}

extension Result {
    fileprivate var failure: Failure? {
        if case .failure(let failure) = self { failure } else { nil }
    }
}
