import FanfareCore
import FanfareWire
import NIOCore

/// The server API: how a backend publishes over HTTP. Requests and answers read as Centrifugo's HTTP API does, so its
/// client libraries work; unlike there, an error that concerns the whole request also has an HTTP status that says so.
struct ServerAPI: Sendable {
    /// Channels of one broadcast.
    static let maximumBroadcast = 1_000

    /// An answer.
    struct Answer: Sendable {
        var status: Int
        var body: ByteBuffer
    }

    /// What can't be done, as the API says it.
    private struct Failure: Error {
        var status: Int
        var code: Int
        var message: String

        init(_ status: Int, _ code: Int, _ message: String) {
            self.status = status
            self.code = code
            self.message = message
        }

        init(_ error: BrokerError) { self.init(503, 100, "\(error)") }
    }

    let context: AdminContext

    /// `POST /api/publish`: `{"channel":"c","data":…}` or `{"channel":"c","b64data":"…"}`.
    func publish(_ body: ByteBuffer) async -> Answer {
        do {
            let request = try object(body)
            guard let name = request["channel"]?.string else { throw Failure(400, 107, "'channel' must be a string") }
            try await publish(try payload(request), to: name)
            return Answer(status: 200, body: ByteBuffer(string: #"{"result":{}}"#))
        } catch {
            return answer(error)
        }
    }

    /// `POST /api/broadcast`: `{"channels":["a","b"],"data":…}`; each channel has a response of its own.
    func broadcast(_ body: ByteBuffer) async -> Answer {
        do {
            let request = try object(body)
            guard let names = request["channels"]?.elements?.map(\.string), !names.isEmpty else {
                throw Failure(400, 107, "'channels' must be an array of strings")
            }
            guard names.count <= Self.maximumBroadcast else {
                throw Failure(400, 106, "at most \(Self.maximumBroadcast) channels in one broadcast")
            }
            let payload = try payload(request)
            let outcomes = await publish(payload, to: names)
            if let first = outcomes.first, outcomes.allSatisfy({ $0?.status == 503 }), let first {
                throw first
            }
            var text = ByteBuffer(string: #"{"result":{"responses":["#)
            for (index, outcome) in outcomes.enumerated() {
                if index > 0 { text.writeStaticString(",") }
                if let outcome { text.writeImmutableBuffer(Self.text(outcome)) } else {
                    text.writeStaticString(#"{"result":{}}"#)
                }
            }
            text.writeStaticString("]}}")
            return Answer(status: 200, body: text)
        } catch {
            return answer(error)
        }
    }

    private func object(_ body: ByteBuffer) throws(Failure) -> JSONMembers {
        guard body.withUnsafeReadableBytes({ UTF8Validator.isValid($0) }), let members = JSONMembers(body) else {
            throw Failure(400, 107, "the body must be a JSON object")
        }
        return members
    }

    /// `data` leaves as the very JSON that came in; `b64data` as the binary that it stands for.
    private func payload(_ request: JSONMembers) throws(Failure) -> Payload {
        let payload: Payload
        if let data = request["data"] {
            payload = Payload(kind: .text, bytes: data.bytes)
        } else if let text = request["b64data"]?.string, let bytes = Base64.decode(text.utf8) {
            payload = Payload(kind: .binary, bytes: ByteBuffer(bytes: bytes))
        } else {
            throw Failure(400, 107, "'data' (any JSON) or 'b64data' (Base64) must be there")
        }
        guard payload.bytes.readableBytes <= context.limits.maxQueueBytes else {
            throw Failure(413, 106, "data is above the limit of \(context.limits.maxQueueBytes) bytes")
        }
        return payload
    }

    /// Publishes to all, in their order, then waits for all.
    private func publish(_ payload: Payload, to names: [String?]) async -> [Failure?] {
        await withTaskGroup(of: (Int, Failure?).self) { group in
            for (index, name) in names.enumerated() {
                group.addTask {
                    do throws(Failure) {
                        guard let name else { throw Failure(400, 107, "a channel is not a string") }
                        try await publish(payload, to: name)
                        return (index, nil)
                    } catch {
                        return (index, error)
                    }
                }
            }
            var outcomes = [Failure?](repeating: nil, count: names.count)
            for await (index, outcome) in group { outcomes[index] = outcome }
            return outcomes
        }
    }

    private func publish(_ payload: Payload, to name: String) async throws(Failure) {
        let channel: ChannelName
        do {
            channel = try ChannelName(name, limit: context.limits.maxChannelNameBytes)
        } catch {
            throw Failure(400, 107, "\(error)")
        }
        let publication = Publication(channel: channel, payload: payload, publishedAt: context.now())
        let result = await withCheckedContinuation { continuation in
            context.broker.publish(publication) { continuation.resume(returning: $0) }
        }
        switch result {
        case .success: context.metrics.shared.addShared(.apiPublications)
        case .failure(let error): throw Failure(error)
        }
    }

    private func answer(_ error: any Error) -> Answer {
        context.metrics.shared.addShared(.apiErrors)
        let failure = error as? Failure ?? Failure(500, 100, "internal server error")
        return Answer(status: failure.status, body: Self.text(failure))
    }

    private static func text(_ failure: Failure) -> ByteBuffer {
        JSONText.object([
            ("error", .object([("code", .number(failure.code)), ("message", .string(failure.message))]))
        ])
    }
}
