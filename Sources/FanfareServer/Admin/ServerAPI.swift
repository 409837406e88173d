import FanfareCore
import FanfareWire
import NIOCore

/// The server API: how a backend publishes over HTTP. Requests and answers read as Centrifugo's HTTP API does, so its
/// client libraries work (Python's `cent`). Fields that this node does not know are ignored.
///
/// ## What a subscriber gets
/// `data` leaves as the very bytes of JSON that came in. A raw client gets them as text: for `"data":"hi"` the four
/// characters `"hi"`, quotes included. `b64data` leaves as the binary that it stands for, and counts when both are there.
///
/// ## Errors
/// All have the body `{"error":{"code":…,"message":"…"}}` with Centrifugo's codes, and an HTTP status that says so:
/// - 400, 413, 415: the request is wrong (code 107) or above a limit (106). Trying again is no use.
/// - 503: the broker took nothing (code 100). Trying again may be.
///
/// Centrifugo itself says 200 to a command that it could read. But proxies, retry policies and alarms of a backend see
/// only the status, and a publication that was not made must not look to them like one that was. Python's `cent`
/// raises `CentTransportError` with the status then. What concerns one channel of a broadcast is in its own response.
struct ServerAPI: Sendable {
    /// Channels of one broadcast.
    static let maximumBroadcast = 1_000

    let context: AdminContext

    /// `POST /api/publish`: `{"channel":"c","data":…}` or `{"channel":"c","b64data":"…"}`.
    func publish(_ body: ByteBuffer) async -> APIAnswer {
        await answer { () async throws(APIFailure) in
            let request = try object(body)
            guard let name = request["channel"]?.string else { throw .badRequest("'channel' must be a string") }
            let channel = try channel(name)
            let payload = try payload(request)
            if let failure = await publish(payload, to: [channel])[0] { throw failure }
            return APIAnswer(status: 200, body: ByteBuffer(string: #"{"result":{}}"#))
        }
    }

    /// `POST /api/broadcast`: `{"channels":["a","b"],"data":…}`; each channel has a response of its own, in their order.
    ///
    /// A channel that fails does not keep the others from being published. When nothing was published because of the
    /// broker, the whole request fails with its error.
    func broadcast(_ body: ByteBuffer) async -> APIAnswer {
        await answer { () async throws(APIFailure) in
            let request = try object(body)
            guard let names = request["channels"]?.elements?.map(\.string), !names.isEmpty else {
                throw .badRequest("'channels' must be an array of strings, at least one")
            }
            guard names.count <= Self.maximumBroadcast else {
                throw .tooManyChannels(names.count, limit: Self.maximumBroadcast)
            }
            let payload = try payload(request)
            let outcomes = await publish(payload, toNames: names)
            if !outcomes.contains(where: { $0 == nil }), let failure = outcomes.first(where: { $0?.status == 503 }),
                let failure
            {
                throw failure
            }
            var text = ByteBuffer(string: #"{"result":{"responses":["#)
            for (index, outcome) in outcomes.enumerated() {
                if index > 0 { text.writeStaticString(",") }
                text.writeImmutableBuffer(outcome?.body ?? ByteBuffer(string: #"{"result":{}}"#))
            }
            text.writeStaticString("]}}")
            return APIAnswer(status: 200, body: text, hasError: outcomes.contains { $0 != nil })
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

    private func object(_ body: ByteBuffer) throws(APIFailure) -> JSONMembers {
        guard body.withUnsafeReadableBytes({ UTF8Validator.isValid($0) }), let members = JSONMembers(body) else {
            throw .badRequest("the body must be a JSON object")
        }
        return members
    }

    private func payload(_ request: JSONMembers) throws(APIFailure) -> Payload {
        let payload: Payload
        if let encoded = request["b64data"], !encoded.isNull {
            guard let text = encoded.string, let bytes = Base64.decode(text.utf8) else {
                throw .badRequest("'b64data' must be a string of Base64")
            }
            payload = Payload(kind: .binary, bytes: ByteBuffer(bytes: bytes))
        } else if let data = request["data"] {
            payload = Payload(kind: .text, bytes: data.bytes)
        } else {
            throw .badRequest("'data' (any JSON) or 'b64data' (Base64) must be there")
        }
        guard payload.bytes.readableBytes <= context.limits.maxQueueBytes else {
            throw .tooLarge("data", limit: context.limits.maxQueueBytes)
        }
        return payload
    }

    private func channel(_ name: String?) throws(APIFailure) -> ChannelName {
        guard let name else { throw .badRequest("channel is not a string") }
        do throws(ChannelNameError) {
            return try ChannelName(name, limit: context.limits.maxChannelNameBytes)
        } catch {
            throw .badRequest("\(error)")
        }
    }

    /// Publishes to those names that are channels; what is not has its failure at its place.
    private func publish(_ payload: Payload, toNames names: [String?]) async -> [APIFailure?] {
        var outcomes = [APIFailure?](repeating: nil, count: names.count)
        var channels: [ChannelName] = []
        var places: [Int] = []
        for (place, name) in names.enumerated() {
            do throws(APIFailure) {
                channels.append(try channel(name))
                places.append(place)
            } catch {
                outcomes[place] = error
            }
        }
        for (place, outcome) in zip(places, await publish(payload, to: channels)) { outcomes[place] = outcome }
        return outcomes
    }

    /// Hands all publications to the broker in their order, then waits for all answers; `nil` for a success.
    private func publish(_ payload: Payload, to channels: [ChannelName]) async -> [APIFailure?] {
        guard !channels.isEmpty else { return [] }
        let outcomes = BrokerAnswers(count: channels.count)
        let publishedAt = context.now()
        let results = await withCheckedContinuation { continuation in
            for (index, channel) in channels.enumerated() {
                let publication = Publication(channel: channel, payload: payload, publishedAt: publishedAt)
                context.broker.publish(publication) { result in
                    if let all = outcomes.note(result, at: index) { continuation.resume(returning: all) }
                }
            }
        }
        return results.map { result in
            switch result {
            case .success:
                context.metrics.shared.addShared(.apiPublications)
                return nil
            case .failure(let error):
                return .broker(error)
            }
        }
    }
}
