import FanfareCore
import FanfareProtocols
import FanfareWire
import NIOCore

/// Who is in a channel, for a backend.
extension ServerAPI {
    /// `POST /api/presence`: `{"channel":"c"}` gives `{"result":{"presence":{"<client>":{"user":…,"client":…}}}}`.
    func presence(_ body: ByteBuffer) async -> APIAnswer {
        await answer { () async throws(APIFailure) in
            let channel = try channel(try object(body, .presence)["channel"]?.string)
            let limit = context.limits.maxAPIPresenceMembers
            let (place, most) = (try await placeToRead(), HistoryPage.maximumBytes)
            let page = try await result {
                context.broker.presence(of: channel, limit: limit, maxBytes: most, completion: $0)
            }
            guard !page.isTooLarge else {
                throw page.total > limit
                    ? .tooManyMembers(page.total, limit: limit) : .tooLargeMembers(page.total, limit: most)
            }
            var text = ByteBuffer(string: #"{"result":{"presence":"#)
            CentrifugeJSONEncoder.writePresence(page.members, into: &text)
            text.writeStaticString("}}")
            return APIAnswer(status: 200, body: text, place: place)
        }
    }

    /// `POST /api/presence_stats`: `{"channel":"c"}` gives `{"result":{"num_clients":2,"num_users":1}}`.
    func presenceStats(_ body: ByteBuffer) async -> APIAnswer {
        await answer { () async throws(APIFailure) in
            let channel = try channel(try object(body, .presenceStats)["channel"]?.string)
            let stats = try await result { context.broker.presenceStats(of: channel, completion: $0) }
            return APIAnswer(
                status: 200,
                body: JSONText.object([
                    (
                        "result",
                        .object([("num_clients", .number(stats.clients)), ("num_users", .number(stats.users))])
                    )
                ]))
        }
    }
}

extension APIFailure {
    /// More bytes of members than are given at once.
    static func tooLargeMembers(_ count: Int, limit: Int) -> APIFailure {
        APIFailure(
            status: 400, code: 106,
            message: "\(count) members have more than \(limit) bytes, the most for one answer, use presence_stats")
    }

    /// More members than are given at once.
    static func tooManyMembers(_ count: Int, limit: Int) -> APIFailure {
        APIFailure(
            status: 400, code: 106,
            message: "\(count) members are above the limit of \(limit) for one answer, use presence_stats")
    }
}
